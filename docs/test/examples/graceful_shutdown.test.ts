import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CloseInfo, connect } from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { DIST, Program } from './program.ts'

const DOCKERFILE = new URL('../../examples/Dockerfile', import.meta.url)
/** So long that only a second signal ends it while a test runs. */
const LONG = { LINGER_MS: '100000', END_MS: '200000' }

describe('a server in a container', () => {
  let journal: string

  beforeEach(async () => {
    const home = await mkdtemp(join(tmpdir(), 'shutdown-'))
    onTestFinished(() => rm(home, { recursive: true }))
    journal = join(home, 'journal.ndjson')
  })

  async function start(env: Readonly<Record<string, string>>): Promise<{ program: Program; url: string }> {
    const program = new Program('graceful_shutdown', { PORT: '0', JOURNAL: journal, ...env }, [], DIST)
    return { program, url: await program.url() }
  }

  /** Ids of what is in the journal. */
  async function stored(): Promise<string[]> {
    const lines = (await readFile(journal, 'utf8')).split('\n').slice(1)
    return lines.map(line => (JSON.parse(line) as { id: string }).id)
  }

  /** A client that has 50 notes under way at a time until it is closed, and calls back for each answer. */
  function keep_sending(
    url: string,
    name: string,
    on_stored: (id: string) => void,
  ): { closed: Promise<CloseInfo>; sent: () => number } {
    let number = 0
    const client = connect({
      type: 'ws',
      url: `${url.replace('http', 'ws')}/notes`,
      on_message: data => {
        on_stored((JSON.parse(data) as { stored: string }).stored)
        send()
      },
    })
    onTestFinished(() => client[Symbol.asyncDispose]())
    const send = (): void => {
      number += 1
      client.send(JSON.stringify({ id: `${name}${number}`, text: 'x'.repeat(100) }))
    }
    for (let i = 0; i < 50; i += 1) send()
    return { closed: client.closed, sent: () => number }
  }

  it('has stored and answered each message that it took when it ends by SIGTERM, under load, with 0', async () => {
    const { program, url } = await start(LONG)
    const answered: string[] = []
    let wanted = { count: 500, is_reached: deferred() }
    const on_stored = (id: string): void => {
      answered.push(id)
      if (answered.length === wanted.count) wanted.is_reached.resolve()
    }
    const clients = ['a', 'b', 'c', 'd', 'e'].map(name => keep_sending(url, name, on_stored))
    await wanted.is_reached.promise
    expect((await fetch(`${url}/health`)).status).toBe(200)

    program.child.kill('SIGTERM')
    await program.says(/ending/)
    expect((await fetch(`${url}/health`)).status).toBe(503)
    // All of them, and who comes now, are served meanwhile.
    wanted = { count: answered.length + 500, is_reached: deferred() }
    clients.push(keep_sending(url, 'late', on_stored))
    await wanted.is_reached.promise
    expect(answered.some(id => id.startsWith('late'))).toBe(true)

    expect(await program.stop()).toEqual({ code: 0, signal: null })
    for (const { closed } of clients)
      expect(await closed).toMatchObject({ code: 1012, clean: true, cause: 'peer' })
    const written = await stored()
    expect(new Set(written).size).toBe(written.length)
    expect([...answered].sort()).toEqual([...written].sort())
    for (const { sent } of clients) expect(sent()).toBeGreaterThan(50)
    expect(program.written).toMatch(/ended\n$/)
  })

  it('ends by itself once it has lingered, though connections are kept alive', async () => {
    const { program, url } = await start({ LINGER_MS: '1' })
    await (await fetch(`${url}/health`)).text()
    expect(await program.stop('SIGINT')).toEqual({ code: 0, signal: null })
  })

  it('ends with 1 where that takes too long', async () => {
    const { program } = await start({ LINGER_MS: '100000', END_MS: '1' })
    expect(await program.stop()).toEqual({ code: 1, signal: null })
    expect(program.written).toContain('not done after 1 ms: 0 sockets are left')
  })

  it('closes on what is no note, and stores nothing of it', async () => {
    const { url } = await start({})
    for (const data of [
      'no JSON',
      '7',
      '{}',
      '{"id":1,"text":""}',
      '{"id":"","text":""}',
      `{"id":"${'x'.repeat(65)}","text":""}`,
      JSON.stringify({ id: '1', text: 'x'.repeat(1_001) }),
    ]) {
      const client = connect({ type: 'ws', url: `${url.replace('http', 'ws')}/notes`, on_message: () => {} })
      client.send(data)
      expect(await client.closed, data).toMatchObject({ code: 4400 })
    }
    expect(await stored()).toEqual([])
  })

  it('stores a note once that is sent again, to the same server or to the next one', async () => {
    const note = '{"id":"7","text":"once"}'
    const send = async (url: string): Promise<void> => {
      const client = connect({ type: 'ws', url: `${url.replace('http', 'ws')}/notes` })
      for (let i = 0; i < 2; i += 1) client.send(note)
      const answers = client[Symbol.asyncIterator]()
      for (let i = 0; i < 2; i += 1) expect(await answers.next()).toMatchObject({ value: '{"stored":"7"}' })
      client.close()
    }
    const { program, url } = await start({ LINGER_MS: '1' })
    await Promise.all([send(url), send(url)])
    await program.stop()
    const next = await start({})
    await send(next.url)
    expect(await stored()).toEqual(['7'])
  })

  it('stores notes whole behind one that was cut off', async () => {
    await writeFile(journal, '{"id":"1","text":"whole"}\n{"id":"2","te')
    const { url } = await start({})
    const client = connect({ type: 'ws', url: `${url.replace('http', 'ws')}/notes` })
    client.send('{"id":"3","text":"next"}')
    const answers = client[Symbol.asyncIterator]()
    expect(await answers.next()).toMatchObject({ value: '{"stored":"3"}' })
    client.close()
    expect((await readFile(journal, 'utf8')).split('\n')).toContain('{"id":"3","text":"next"}')
  })

  it('stores no more than MAX_NOTES, and still answers what is stored', async () => {
    const { url } = await start({ MAX_NOTES: '1' })
    const client = connect({ type: 'ws', url: `${url.replace('http', 'ws')}/notes` })
    for (const id of ['1', '1', '2']) client.send(JSON.stringify({ id, text: '' }))
    const answers: string[] = []
    client.on_message(data => void answers.push(data))
    expect(await client.closed).toMatchObject({ code: 4413 })
    expect([answers, await stored()]).toEqual([['{"stored":"1"}', '{"stored":"1"}'], ['1']])
  })

  it('is told apart by what the Dockerfile asks: healthy while it serves, unhealthy once it is to end', async () => {
    const text = await readFile(DOCKERFILE, 'utf8')
    expect(text).toContain('\nCMD ["node", "dist/graceful_shutdown.js"]\n')
    const [, command = ''] = /HEALTHCHECK.*\\\n\s+CMD (\[.*\])/.exec(text) ?? []
    const [node, ...args] = JSON.parse(command) as string[]
    expect(node).toBe('node')
    const { program, url } = await start(LONG)
    const ask = (): Promise<unknown> =>
      new Promise(resolve => {
        const env = { ...process.env, PORT: new URL(url).port }
        execFile(process.execPath, args, { env }, err => resolve(err?.code ?? 0))
      })
    expect(await ask()).toBe(0)
    program.child.kill('SIGTERM')
    await program.says(/ending/)
    expect(await ask()).toBe(1)
    await program.stop()
    expect(await ask()).toBe(1)
  })
})
