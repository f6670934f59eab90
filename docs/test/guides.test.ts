import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '@bt/net'
import { blocks_of, samples_of } from '@bt/test-support/samples'
import { temporary_folder } from '@bt/test-support/temporary'
import type { Page } from 'playwright-core'
import { createServer } from 'vite'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { use_browser } from './examples/browser.ts'
import { page_at } from './pages.ts'
import { ADDRESS, code_of, guest, Sample, serve } from './sample_programs.ts'

const DOCS = fileURLToPath(new URL('..', import.meta.url))
/** Inside of this package, so that what a sample imports is found. */
const folder = temporary_folder('guides', DOCS)
afterAll(() => rmSync(folder, { recursive: true }))
const show = use_browser()

/** The page that samples make, in Chromium, served by Vite as it is. */
async function open_page(guide: string, files: readonly string[], address: string): Promise<Page> {
  const root = join(folder, `${guide}_page`)
  mkdirSync(root, { recursive: true })
  for (const name of files) writeFileSync(join(root, name), code_of(guide, name, address))
  const vite = await createServer({
    root,
    configFile: false,
    logLevel: 'silent',
    cacheDir: join(root, '.vite'),
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null, fs: { strict: false } },
  })
  onTestFinished(() => vite.close())
  await vite.listen()
  return show(vite.resolvedUrls?.local[0] ?? '')
}

test.each(['getting_started', 'server', 'client', 'browser'])(
  '%s.md has no code that is not run here',
  guide => {
    const { text } = page_at(`docs/${guide}.md`)
    const typed = blocks_of(text).filter(({ language }) => ['ts', 'js', 'html'].includes(language))
    expect(typed.filter(({ sample }) => sample === undefined)).toEqual([])
  },
)

test('the home page has the samples of README.md, which are run with it', () => {
  const readme = samples_of(page_at('README.md').text)
  for (const [name, code] of samples_of(page_at('docs/README.md').text)) expect(code).toBe(readme.get(name))
})

describe('getting started', () => {
  test('has a server and a client that talk, and says what the client prints', async () => {
    const { sample: server, address } = await serve('getting_started.md', 'server.mjs')
    const client = new Sample('getting_started.md', 'client.mjs', address)
    expect(await client.exit).toEqual({ code: 0, signal: null })
    expect(page_at('docs/getting_started.md').text).toContain(`\`\`\`text\n${client.written}\`\`\``)
    await server.says(/127\.0\.0\.1:\d+ has gone: peer\n/)
    expect(await server.stop('SIGINT')).toEqual({ code: 0, signal: null })
  })

  test('says what the client prints where there is no server', async () => {
    const { sample: server, address } = await serve('getting_started.md', 'server.mjs')
    await server.stop('SIGINT')
    const client = new Sample('getting_started.md', 'client.mjs', address)
    await client.exit
    expect(client.written.replaceAll(address, ADDRESS)).toBe(
      samples_of(page_at('docs/getting_started.md').text).get('refused'),
    )
  })

  test('has a server that ends where its port is taken', async () => {
    const { address } = await serve('getting_started.md', 'server.mjs')
    const second = new Sample('getting_started.md', 'server.mjs', address)
    expect((await second.exit).code).not.toBe(0)
    expect(second.written).toMatch(/^address_in_use /)
  })

  test('has a chat that pages and programs hear', async () => {
    const { address } = await serve('getting_started.md', 'chat.mjs')
    const page = await open_page('getting_started.md', ['index.html', 'page.js'], address)
    await page.getByText('(connected)').waitFor()
    const { ws, hears } = guest(`ws://${address}/chat`)
    ws.send(JSON.stringify({ text: 'hello' }))
    await page.getByText(/: hello$/).waitFor()
    expect(JSON.parse(String(await hears()))).toMatchObject({ text: 'hello' })
    await page.getByPlaceholder('Say something').fill('hi')
    await page.keyboard.press('Enter')
    expect(JSON.parse(String(await hears()))).toMatchObject({ text: 'hi' })
    const elsewhere = guest(`ws://${address}/chat?room=kitchen`)
    elsewhere.ws.send('{"text": 1}')
    expect(await elsewhere.ws.closed).toMatchObject({ code: 4000, reason: 'not a message' })
  })
})

describe('the server', () => {
  test('starts once, says so the second time, and closes in order', async () => {
    const { sample, address } = await serve('server.md', 'start.ts')
    const second = new Sample('server.md', 'start.ts', address)
    expect((await second.exit).code).toBe(1)
    expect(second.written).toContain('it runs already\n')
    const { ws, hears } = guest(`ws://${address}/ws`)
    ws.send('hello')
    expect(await hears()).toBe('echo:hello')
    expect(await sample.stop()).toEqual({ code: 0, signal: null })
    expect(sample.written).toMatch(/closed\n$/)
    expect(await ws.closed).toMatchObject({ code: 1012, clean: true })
    expect((await ws.closed).reason).toMatch(/^restart/)
  })

  test('answers the client that asks, and sends away who asks nothing', async () => {
    const { address } = await serve('server.md', 'answers.ts')
    const client = new Sample('client.md', 'ask.ts', address)
    await client.exit
    expect(client.written).toBe("[ 'ONE', 'TWO', 'THREE' ]\n")
    const { ws } = guest(`ws://${address}/ws`)
    ws.send('{"id": "1"}')
    expect(await ws.closed).toMatchObject({ code: 4000, reason: 'not a question' })
  })

  test('knows who a socket is, and how much it has said', async () => {
    const { address } = await serve('server.md', 'names.ts')
    const ada = guest(`ws://${address}/ws?name=ada`)
    ada.ws.send('hello')
    expect([await ada.hears(), await ada.hears()]).toEqual(['welcome, ada', 'ada has said 1: hello'])
    await expect(guest(`ws://${address}/ws?name=`).ws.opened).rejects.toThrow(
      /400.*a name of 1 to 20 letters/s,
    )
  })

  test('sends to those who want to hear it, and to no more topics than are allowed', async () => {
    const { address } = await serve('server.md', 'topics.ts')
    const loop = new Sample('client.md', 'loop.ts', address)
    await loop.exit
    expect(loop.written).toMatch(/^(.+\n){3}done, 0 not sent\n$/)
    expect(loop.written).toContain('you hear price\n')
    const { ws, hears } = guest(`ws://${address}/ws`)
    for (let index = 0; index <= 10; index += 1) {
      ws.send(`join topic_${index}`)
      let answer: unknown = 'it is cheap'
      while (answer === 'it is cheap') answer = await hears()
      expect(answer).toBe(index < 10 ? `you hear topic_${index}` : 'too_many_topics')
    }
  })

  test('shares the port of an http server, with two routes', async () => {
    const { sample, address } = await serve('server.md', 'shared.ts')
    expect(await (await fetch(`http://${address}/`)).text()).toBe('a page\n')
    for (const route of ['chat', 'news']) expect(await guest(`ws://${address}/${route}`).hears()).toBe(route)
    await expect(guest(`ws://${address}/else`).ws.opened).rejects.toThrow(/404/)
    expect(await sample.stop()).toEqual({ code: 0, signal: null })
  })

  test('takes bytes, and no more of them than it says', async () => {
    const { address } = await serve('server.md', 'bytes.ts')
    const ws = connect({ type: 'ws', url: `ws://${address}/ws`, binary: true, on_error: () => {} })
    onTestFinished(() => ws[Symbol.asyncDispose]())
    const answers = ws[Symbol.asyncIterator]()
    const hears = async (): Promise<unknown> => (await answers.next()).value
    ws.send('hello')
    expect(await hears()).toBe('5 characters')
    ws.send(new Uint8Array([1, 2, 3, 4, 5]))
    expect(await hears()).toEqual(new Uint8Array([1, 2, 3, 4]))
    ws.send(new Uint8Array(65_537))
    expect(await ws.closed).toMatchObject({ code: 1009 })
  })
})

describe('the client', () => {
  test('opens, and says when nobody is there', async () => {
    const { sample: server, address } = await serve('server.md', 'start.ts')
    const client = new Sample('client.md', 'open.ts', address)
    await client.exit
    expect(client.written).toBe('open, and open\nclosed: 1000 local\n')
    await server.stop()
    const alone = new Sample('client.md', 'open.ts', address)
    await alone.exit
    expect(alone.written).toBe('nobody is there\nclosed: 1006 refused\n')
  })

  test('comes back, and asks for its topics again', async () => {
    const { sample: server, address } = await serve('server.md', 'topics.ts')
    const client = new Sample('client.md', 'reconnect.ts', address)
    await client.says(/you hear price\n\d/)
    await server.stop('SIGKILL')
    await client.says(/lost \(network, 0 messages with it\): attempt 1 in \d+ ms/)
    new Sample('server.md', 'topics.ts', address)
    await client.says(/attempt 1 [\s\S]*you hear price\n\d/)
    expect(await client.stop('SIGINT')).toEqual({ code: 0, signal: null })
    expect(client.written).toMatch(/over: 1000 \n$/)
  })
})

describe('in a browser', () => {
  test('a page shows what comes, and sends what is said', async () => {
    const { sample, address } = await serve('getting_started.md', 'server.mjs')
    const page = await open_page('browser.md', ['index.html', 'page.ts'], address)
    await page.locator('#state', { hasText: 'open' }).waitFor()
    await page.getByRole('textbox').fill('hello')
    await page.getByRole('button').click()
    await page.getByText('echo:hello').waitFor()
    await page.close()
    await sample.says(/has gone: peer/)
  })

  test('a page of the origin that is named comes in with its cookie, and no other', async () => {
    const { sample, address } = await serve('browser.md', 'origins.ts')
    const url = `ws://${address}/ws`
    const headers = { Origin: 'https://app.example.com', Cookie: 'theme=dark; session=none' }
    await expect(guest(url, { headers, protocols: ['chat.v1'] }).ws.opened).rejects.toThrow(
      /401.*log in first/s,
    )
    await expect(guest(url, { headers: { Origin: 'https://evil.example' } }).ws.opened).rejects.toThrow(/403/)
    await sample.says(/origin_refused .*https:\/\/evil\.example/)
  })
})
