import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CloseInfo, connect } from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { DIST, Program } from './program.ts'

const DOCKERFILE = new URL('../../examples/Dockerfile', import.meta.url)
/** Timeouts that do not expire while a test runs, so that only a second signal ends the lingering. */
const LONG_TIMEOUTS = { LINGER_MS: '100000', END_MS: '200000' }

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

  /** Returns the ids of the notes in the journal. */
  async function stored_ids(): Promise<string[]> {
    const lines = (await readFile(journal, 'utf8')).split('\n').slice(1)
    return lines.map(line => (JSON.parse(line) as { id: string }).id)
  }

  /** Connects a client that always has 50 unanswered notes, and calls back for each answer. */
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

  it('stores and answers every message that it has read before it exits with 0 on SIGTERM, under load', async () => {
    const { program, url } = await start(LONG_TIMEOUTS)
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
    // Meanwhile, it serves both the connected clients and new ones.
    wanted = { count: answered.length + 500, is_reached: deferred() }
    clients.push(keep_sending(url, 'late', on_stored))
    await wanted.is_reached.promise
    expect(answered.some(id => id.startsWith('late'))).toBe(true)

    expect(await program.stop()).toEqual({ code: 0, signal: null })
    for (const { closed } of clients)
      expect(await closed).toMatchObject({ code: 1012, clean: true, cause: 'peer' })
    const stored = await stored_ids()
    expect(new Set(stored).size).toBe(stored.length)
    expect([...answered].sort()).toEqual([...stored].sort())
    for (const { sent } of clients) expect(sent()).toBeGreaterThan(50)
    expect(program.written).toMatch(/ended\n$/)
  })

  it('exits with 0 after it has lingered, even if an HTTP connection is kept alive', async () => {
    const { program, url } = await start({ LINGER_MS: '1' })
    await (await fetch(`${url}/health`)).text()
    expect(await program.stop('SIGINT')).toEqual({ code: 0, signal: null })
  })

  it('exits with 1 if the shutdown takes too long', async () => {
    const { program } = await start({ LINGER_MS: '100000', END_MS: '1' })
    expect(await program.stop()).toEqual({ code: 1, signal: null })
    expect(program.written).toContain('not done after 1 ms: 0 sockets are left')
  })

  it('closes the socket after an invalid note, and does not store it', async () => {
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
    expect(await stored_ids()).toEqual([])
  })

  it('stores a note once, even if it is sent again to the same server or to the next one', async () => {
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
    expect(await stored_ids()).toEqual(['7'])
  })

  it('keeps a truncated note in the journal from corrupting the next one', async () => {
    await writeFile(journal, '{"id":"1","text":"whole"}\n{"id":"2","te')
    const { url } = await start({})
    const client = connect({ type: 'ws', url: `${url.replace('http', 'ws')}/notes` })
    client.send('{"id":"3","text":"next"}')
    const answers = client[Symbol.asyncIterator]()
    expect(await answers.next()).toMatchObject({ value: '{"stored":"3"}' })
    client.close()
    expect((await readFile(journal, 'utf8')).split('\n')).toContain('{"id":"3","text":"next"}')
  })

  it('stores at most MAX_NOTES notes, and still confirms one that is already stored', async () => {
    const { url } = await start({ MAX_NOTES: '1' })
    const client = connect({ type: 'ws', url: `${url.replace('http', 'ws')}/notes` })
    for (const id of ['1', '1', '2']) client.send(JSON.stringify({ id, text: '' }))
    const answers: string[] = []
    client.on_message(data => void answers.push(data))
    expect(await client.closed).toMatchObject({ code: 4413 })
    expect([answers, await stored_ids()]).toEqual([['{"stored":"1"}', '{"stored":"1"}'], ['1']])
  })

  it('passes the health check of the Dockerfile until it gets a signal', async () => {
    const text = await readFile(DOCKERFILE, 'utf8')
    expect(text).toContain('\nCMD ["node", "dist/graceful_shutdown.js"]\n')
    const [, command = ''] = /HEALTHCHECK.*\\\n\s+CMD (\[.*\])/.exec(text) ?? []
    const [node, ...args] = JSON.parse(command) as string[]
    expect(node).toBe('node')
    const { program, url } = await start(LONG_TIMEOUTS)
    const check_health = (): Promise<unknown> =>
      new Promise(resolve => {
        const env = { ...process.env, PORT: new URL(url).port }
        execFile(process.execPath, args, { env }, err => resolve(err?.code ?? 0))
      })
    expect(await check_health()).toBe(0)
    program.child.kill('SIGTERM')
    await program.says(/ending/)
    expect(await check_health()).toBe(1)
    await program.stop()
    expect(await check_health()).toBe(1)
  })
})
