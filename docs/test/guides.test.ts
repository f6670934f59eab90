import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as create_http_server } from 'node:http'
import { connect as connect_tcp } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, refuse } from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { blocks_of, samples_of } from '@bt/test-support/samples'
import { temporary_folder } from '@bt/test-support/temporary'
import type { Page } from 'playwright-core'
import { createServer } from 'vite'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { use_browser } from './examples/browser.ts'
import { page_at } from './pages.ts'
import {
  answer_http,
  code_of,
  connect_client,
  SAMPLE_ADDRESS,
  Sample,
  serve,
  serve_http,
  start_server,
} from './sample_programs.ts'

const DOCS = fileURLToPath(new URL('..', import.meta.url))
/** Inside this package, so that the imports of a sample resolve. */
const folder = temporary_folder('guides', DOCS)
afterAll(() => rmSync(folder, { recursive: true }))
const show = use_browser()

/** Opens a page that consists of samples in Chromium, served by Vite without bundling. */
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

test.each(['getting_started', 'server', 'client', 'browser'])('all code of %s.md is run here', guide => {
  const { text } = page_at(`docs/${guide}.md`)
  const typed = blocks_of(text).filter(({ language }) => ['ts', 'js', 'html'].includes(language))
  expect(typed.filter(({ sample }) => sample === undefined)).toEqual([])
})

test('the samples of the home page are those of README.md', () => {
  const readme = samples_of(page_at('README.md').text)
  for (const [name, code] of samples_of(page_at('docs/README.md').text)) expect(code).toBe(readme.get(name))
})

describe('getting_started.md', () => {
  test('the client connects to the server and prints the output that the guide shows', async () => {
    const { sample: server, address } = await serve('getting_started.md', 'server.mjs')
    const client = new Sample('getting_started.md', 'client.mjs', address)
    expect(await client.exit).toEqual({ code: 0, signal: null })
    expect(page_at('docs/getting_started.md').text).toContain(`\`\`\`text\n${client.written}\`\`\``)
    await server.says(/127\.0\.0\.1:\d+ has gone: peer\n/)
    expect(await server.stop('SIGINT')).toEqual({ code: 0, signal: null })
  })

  test('without a server, the client prints the error that the guide shows', async () => {
    const { sample: server, address } = await serve('getting_started.md', 'server.mjs')
    await server.stop('SIGINT')
    const client = new Sample('getting_started.md', 'client.mjs', address)
    await client.exit
    expect(client.written.replaceAll(address, SAMPLE_ADDRESS)).toBe(
      samples_of(page_at('docs/getting_started.md').text).get('refused'),
    )
  })

  test('the server exits with an error if its port is taken', async () => {
    const { address } = await serve('getting_started.md', 'server.mjs')
    const second = new Sample('getting_started.md', 'server.mjs', address)
    expect((await second.exit).code).not.toBe(0)
    expect(second.written).toMatch(/^address_in_use /)
  })

  test('the chat connects a page and a program', async () => {
    const { address } = await serve('getting_started.md', 'chat.mjs')
    const page = await open_page('getting_started.md', ['index.html', 'page.js'], address)
    await page.getByText('(connected)').waitFor()
    const { ws, next_message } = connect_client(`ws://${address}/chat`)
    ws.send(JSON.stringify({ text: 'hello' }))
    await page.getByText(/: hello$/).waitFor()
    expect(JSON.parse(String(await next_message()))).toMatchObject({ text: 'hello' })
    await page.getByPlaceholder('Say something').fill('hi')
    await page.keyboard.press('Enter')
    expect(JSON.parse(String(await next_message()))).toMatchObject({ text: 'hi' })
    const elsewhere = connect_client(`ws://${address}/chat?room=kitchen`)
    elsewhere.ws.send('{"text": 1}')
    expect(await elsewhere.ws.closed).toMatchObject({ code: 4000, reason: 'not a message' })
  })
})

describe('server.md', () => {
  test('start.ts reports a port in use, echoes, and closes its clients on SIGTERM', async () => {
    const { sample, address } = await serve('server.md', 'start.ts')
    const second = new Sample('server.md', 'start.ts', address)
    expect((await second.exit).code).toBe(1)
    expect(second.written).toContain('it runs already\n')
    const { ws, next_message } = connect_client(`ws://${address}/ws`)
    ws.send('hello')
    expect(await next_message()).toBe('echo:hello')
    expect(await sample.stop()).toEqual({ code: 0, signal: null })
    expect(sample.written).toMatch(/closed\n$/)
    expect(await ws.closed).toMatchObject({ code: 1012, clean: true })
    expect((await ws.closed).reason).toMatch(/^restart/)
  })

  test('answers.ts answers the questions of ask.ts, and closes on an invalid one', async () => {
    const { address } = await serve('server.md', 'answers.ts')
    const client = new Sample('client.md', 'ask.ts', address)
    await client.exit
    expect(client.written).toBe("[ 'ONE', 'TWO', 'THREE' ]\n")
    const { ws } = connect_client(`ws://${address}/ws`)
    ws.send('{"id": "1"}')
    expect(await ws.closed).toMatchObject({ code: 4000, reason: 'not a question' })
  })

  test('names.ts counts the messages of each user, and refuses an empty name', async () => {
    const { address } = await serve('server.md', 'names.ts')
    const ada = connect_client(`ws://${address}/ws?name=ada`)
    ada.ws.send('hello')
    expect([await ada.next_message(), await ada.next_message()]).toEqual([
      'welcome, ada',
      'ada has said 1: hello',
    ])
    await expect(connect_client(`ws://${address}/ws?name=`).ws.opened).rejects.toThrow(
      /400.*a name of 1 to 20 letters/s,
    )
  })

  test('rooms.ts publishes to the room in the path, and refuses a name that is none', async () => {
    const { address } = await serve('server.md', 'rooms.ts')
    const [a, other, b] = ['a', 'b', 'a'].map(room => connect_client(`ws://${address}/rooms/${room}`))
    await Promise.all([a, other, b].map(client => client?.ws.opened))
    other?.ws.send('to b')
    expect(await other?.next_message()).toBe('to b')
    a?.ws.send('to a')
    expect([await a?.next_message(), await b?.next_message()]).toEqual(['to a', 'to a'])
    await expect(connect_client(`ws://${address}/rooms/a%2Fb`).ws.opened).rejects.toThrow(
      /404.*no such room/s,
    )
    await expect(connect_client(`ws://${address}/rooms/`).ws.opened).rejects.toThrow(/404/)
  })

  test('topics.ts publishes to subscribers, and limits the topics of a socket', async () => {
    const { address } = await serve('server.md', 'topics.ts')
    const loop = new Sample('client.md', 'loop.ts', address)
    await loop.exit
    expect(loop.written).toMatch(/^(.+\n){3}done, 0 not sent\n$/)
    expect(loop.written).toContain('you hear price\n')
    const { ws, next_message } = connect_client(`ws://${address}/ws`)
    for (let index = 0; index <= 10; index += 1) {
      ws.send(`join topic_${index}`)
      let answer: unknown = 'it is cheap'
      while (answer === 'it is cheap') answer = await next_message()
      expect(answer).toBe(index < 10 ? `you hear topic_${index}` : 'too_many_topics')
    }
  })

  test('shared.ts serves two routes on the port of an HTTP server', async () => {
    const { sample, address } = await serve('server.md', 'shared.ts')
    expect(await (await fetch(`http://${address}/`)).text()).toBe('a page\n')
    for (const route of ['chat', 'news'])
      expect(await connect_client(`ws://${address}/${route}`).next_message()).toBe(route)
    await expect(connect_client(`ws://${address}/else`).ws.opened).rejects.toThrow(/404/)
    expect(await sample.stop()).toEqual({ code: 0, signal: null })
  })

  test('bytes.ts receives text and binary messages up to its limit', async () => {
    const { address } = await serve('server.md', 'bytes.ts')
    const ws = connect({ type: 'ws', url: `ws://${address}/ws`, binary: true, on_error: () => {} })
    onTestFinished(() => ws[Symbol.asyncDispose]())
    const answers = ws[Symbol.asyncIterator]()
    const next_message = async (): Promise<unknown> => (await answers.next()).value
    ws.send('hello')
    expect(await next_message()).toBe('5 characters')
    ws.send(new Uint8Array([1, 2, 3, 4, 5]))
    expect(await next_message()).toEqual(new Uint8Array([1, 2, 3, 4]))
    ws.send(new Uint8Array(65_537))
    expect(await ws.closed).toMatchObject({ code: 1009 })
  })
})

describe('client.md', () => {
  test('open.ts opens a connection, or reports that it was refused', async () => {
    const { sample: server, address } = await serve('server.md', 'start.ts')
    const client = new Sample('client.md', 'open.ts', address)
    await client.exit
    expect(client.written).toBe('open, and open\nclosed: 1000 local\n')
    await server.stop()
    const without_server = new Sample('client.md', 'open.ts', address)
    await without_server.exit
    expect(without_server.written).toBe('nobody is there\nclosed: 1006 refused\n')
  })

  test('reconnect.ts reconnects, and joins its topics again', async () => {
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

  test('retries.ts tries again after 404 and 1000', async () => {
    let handshakes = 0
    const server = await start_server({
      authorize: () => {
        handshakes += 1
        if (handshakes === 1) refuse(404, 'not yet')
      },
      on_connect: socket => (handshakes === 2 ? socket.close() : socket.send('welcome')),
    })
    const client = new Sample('client.md', 'retries.ts', server.addr, {
      'reconnect: {': 'reconnect: { min_delay: 1,',
    })
    await client.says('welcome\n')
    expect(handshakes).toBe(3)
  })

  test('token.ts asks for a new token before each attempt', async () => {
    let issued = 0
    const tokens = await answer_http((_request, response) => {
      issued += 1
      response.statusCode = issued === 1 ? 503 : 200
      response.end(`token_${issued}`)
    })
    const server = await start_server({
      authorize: ({ query }) => query.get('token'),
      on_connect: socket => {
        socket.send(`hello ${socket.data}`)
        socket.close(4000, 'again')
      },
    })
    const changes = { '127.0.0.1:9000': tokens, 'reconnect: true': 'reconnect: { min_delay: 1 }' }
    const client = new Sample('client.md', 'token.ts', server.addr, changes)
    await client.says(/option_failed .*no token: 503\n[\s\S]*hello token_2\n[\s\S]*hello token_3\n/)
  })

  test('fail_over.ts goes to the other server when one is gone', async () => {
    const [first, second] = [await start_server({}), await start_server({})]
    const [first_port, second_port] = [first, second].map(({ addr }) => addr.split(':')[1] as string)
    // A connection of a millisecond is stable, so each loss is a first one.
    const changes = {
      '8081 : 8082': `${first_port} : ${second_port}`,
      'reconnect: true': 'reconnect: { max_delay: 1 }',
    }
    const client = new Sample('client.md', 'fail_over.ts', undefined, changes)
    for (const [round, gone] of [first, second, first].entries()) {
      await client.says(new RegExp(`(?:open at [\\s\\S]*){${round + 1}}`))
      for (const socket of gone.sockets) socket.close(4000, 'go away')
    }
    await client.says(/(?:open at [\s\S]*){4}/)
    expect(client.written.match(/(?<=open at .*:)\d+/g)).toEqual([
      first_port,
      second_port,
      first_port,
      second_port,
    ])
  })

  test('first_words.ts says who it is before what was queued, on each connection', async () => {
    const heard: string[] = []
    const { promise: has_said_all, resolve } = deferred()
    const server = await start_server({
      on_message: (socket, data) => {
        heard.push(data)
        if (heard.length === 2) socket.close(4000, 'again')
        if (heard.length === 3) resolve()
      },
    })
    new Sample('client.md', 'first_words.ts', server.addr)
    await has_said_all
    expect(heard).toEqual(['I am ada', 'what is new?', 'I am ada'])
  })

  test('connect_now.ts ends its wait, and replaces its connection, when Enter is pressed', async () => {
    const server = await start_server({})
    const waits = { 'reconnect: true': 'reconnect: { min_delay: 2_000_000_000, max_delay: 2_000_000_000 }' }
    const client = new Sample('client.md', 'connect_now.ts', server.addr, waits)
    await client.says('open\n')
    const [first] = server.sockets
    first?.close(4000, 'again')
    await client.says(/again in \d+ ms/)
    await first?.closed
    client.child.stdin.write('\n')
    await client.says(/open\n[\s\S]*open\n/)
    const [second] = server.sockets
    client.child.stdin.write('\n')
    await client.says(/open\n[\s\S]*open\n[\s\S]*open\n/)
    expect(await second?.closed).toMatchObject({ code: 1000, cause: 'peer' })
  })
})

describe('client.md, behind a proxy', () => {
  test('proxy.ts connects through the proxy, with user and password', async () => {
    const { address } = await serve('getting_started.md', 'server.mjs')
    const asked: unknown[] = []
    const proxy = create_http_server()
    proxy.on('connect', ({ url, headers }, socket) => {
      asked.push([url, headers['proxy-authorization']])
      const [host = '', port] = address.split(':')
      const through = connect_tcp(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        through.pipe(socket).pipe(through)
      })
      for (const side of [socket, through]) side.on('error', () => {})
      onTestFinished(() => void through.destroy())
    })
    const changes = { '127.0.0.1:3128': await serve_http(proxy) }
    const client = new Sample('client.md', 'proxy.ts', address, changes)
    await client.says('echo:hello')
    expect(asked).toEqual([[address, `Basic ${btoa('user:password')}`]])
  })
})

describe('browser.md', () => {
  test('the page shows incoming messages, and sends typed ones', async () => {
    const { sample, address } = await serve('getting_started.md', 'server.mjs')
    const page = await open_page('browser.md', ['index.html', 'page.ts'], address)
    await page.locator('#state', { hasText: 'open' }).waitFor()
    await page.getByRole('textbox').fill('hello')
    await page.getByRole('button').click()
    await page.getByText('echo:hello').waitFor()
    await page.close()
    await sample.says(/has gone: peer/)
  })

  test('origins.ts checks the cookie of its own origin, and refuses other origins', async () => {
    const { sample, address } = await serve('browser.md', 'origins.ts')
    const url = `ws://${address}/ws`
    const headers = { Origin: 'https://app.example.com', Cookie: 'theme=dark; session=none' }
    const { ws } = connect_client(url, { headers, protocols: ['chat.v1'] })
    expect(await ws.closed).toMatchObject({ code: 4401, reason: 'log in first' })
    const foreign = connect_client(url, { headers: { Origin: 'https://evil.example' } })
    await expect(foreign.ws.opened).rejects.toThrow(/403/)
    await sample.says(/origin_refused .*https:\/\/evil\.example/)
  })
})
