import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { blocks_of, samples_of } from '@bt/test-support/samples'
import { temporary_folder } from '@bt/test-support/temporary'
import { afterAll, afterEach, describe, expect, it, onTestFailed } from 'vitest'
import * as net from '../src/index.js'
import { program_folder } from './bundled_net.ts'

const here = dirname(fileURLToPath(import.meta.url))
const page = readFileSync(join(here, '../../../docs/scaling.md'), 'utf8')
/** Inside the package, so that the types of `@bt/net` are those of its build, as for a user. */
const folder = temporary_folder('scaling', join(here, '..'))
const programs = await program_folder(join(folder, 'programs'))
const samples = samples_of(page)
/** Beside the programs: what they tell is written down by this, and nothing of them is changed. */
cpSync(join(here, 'scaling_tally.mjs'), join(folder, 'tally.mjs'))

const WORKERS = 2
const RECONNECT = { min_delay: 5, max_delay: 50 }
/** A machine that has too much to do may let either side wait for its Close. */
const PATIENCE_MS = 30_000

/**
 * What stands in a sample as it is, and what it is for a test: another place, no long waits, and patience
 * where the machine is busy.
 */
interface Settings {
  readonly bind?: string
  readonly spread_ms?: number
  readonly end_ms?: number
}

function written(name: string, { bind = '127.0.0.1:0', spread_ms = 20, end_ms = 60_000 }: Settings): string {
  let code = samples.get(name) ?? ''
  for (const [text, value] of Object.entries({
    "type: 'ws',": `type: 'ws', close_timeout: ${PATIENCE_MS},`,
    "'127.0.0.1:8081'": JSON.stringify(bind),
    'WORKERS = availableParallelism()': `WORKERS = ${WORKERS}`,
    'SPREAD_MS = 10_000': `SPREAD_MS = ${spread_ms}`,
    'END_MS = 30_000\n/**': `END_MS = ${end_ms}\n/**`,
    'port: 8081': `port: ${bind.split(':').pop()}`,
    'spread_ms: 10_000': `spread_ms: ${spread_ms}`,
  }))
    code = code.replace(text, value)
  const file = join(programs, name)
  writeFileSync(file, code)
  return file
}

const running: Program[] = []
const clients: net.WsClient[] = []

/** A sample at work. */
class Program {
  readonly child: ChildProcess
  readonly exit: Promise<readonly [code: number | null, signal: NodeJS.Signals | null]>
  output = ''
  #has_ended = false
  readonly #checks = new Set<() => void>()

  constructor(file: string, env: NodeJS.ProcessEnv = {}) {
    const args = ['--import', join(folder, 'tally.mjs'), file]
    this.child = spawn(process.execPath, args, { env: { ...process.env, ...env } })
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
        this.#check()
      })
    this.exit = once(this.child, 'close').then(([code, signal]) => {
      this.#has_ended = true
      this.#check()
      return [code, signal] as const
    })
    running.push(this)
  }

  /** Settles when it has written something so often, with what was found. */
  times(pattern: RegExp, count: number): Promise<readonly RegExpMatchArray[]> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = [...this.output.matchAll(pattern)]
        if (found.length < count && !this.#has_ended) return
        this.#checks.delete(check)
        if (found.length < count) reject(new Error(`ended too early: ${this.output}`))
        else resolve(found)
      }
      this.#checks.add(check)
      check()
    })
  }

  /** The workers that have begun to listen, so many at least, and where. */
  async workers(count: number): Promise<readonly { readonly pid: number; readonly addr: string }[]> {
    const found = await this.times(/worker (\d+) listens on (\S+)\n/g, count)
    return found.map(([, pid, addr = '']) => ({ pid: Number(pid), addr }))
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  #check(): void {
    for (const check of [...this.#checks]) check()
  }
}

function url_of(addr: string): string {
  return addr.startsWith('unix:') ? `ws+${addr}:/ws` : `ws://${addr}/ws`
}

/** Starts the program of the page, and waits until all of its workers listen. */
async function start_workers(
  settings: Settings = {},
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly program: Program; readonly pids: readonly number[]; readonly url: string }> {
  const program = new Program(written('workers.mjs', settings), env)
  const workers = await program.workers(WORKERS)
  return { program, pids: workers.map(({ pid }) => pid), url: url_of(workers[0]?.addr ?? '') }
}

/** A client that reconnects by itself. */
class ReconnectingClient {
  readonly ws: net.WsClient
  /** The workers that have welcomed it. */
  readonly hosts: number[] = []
  /** How it has lost its connections. */
  readonly infos: net.CloseInfo[] = []
  #look = (): void => {}

  constructor(url: string, on_message: (data: string) => unknown = () => {}) {
    this.ws = net.connect({
      type: 'ws',
      url,
      reconnect: RECONNECT,
      connect_timeout: 2_000,
      close_timeout: PATIENCE_MS,
      on_message: data => {
        const [, pid] = /^welcome from (\d+)$/.exec(data) ?? []
        if (pid === undefined) return on_message(data) as undefined
        this.hosts.push(Number(pid))
        this.#look()
        return undefined
      },
      on_reconnecting: ({ info }) => this.infos.push(info),
      on_error: () => {},
    })
    clients.push(this.ws)
  }

  /** Settles when it has been welcomed so often. */
  welcomed(times: number): Promise<void> {
    return new Promise(resolve => {
      this.#look = () => {
        if (this.hosts.length >= times) resolve()
      }
      this.#look()
    })
  }
}

/** Connects clients, and waits until each is welcomed. */
async function connect_clients(url: string, count: number): Promise<readonly ReconnectingClient[]> {
  const connected = Array.from({ length: count }, () => new ReconnectingClient(url))
  await Promise.all(connected.map(client => client.welcomed(1)))
  return connected
}

/** Sends a message, and resolves when it is answered. */
async function ask(url: string): Promise<void> {
  await new Promise<void>(resolve => {
    const { ws } = new ReconnectingClient(url, () => resolve())
    ws.send('is anybody there?')
  })
}

const READERS = 12
const TALKERS = 8
/** What each reader is sent, some 1 KiB each: more than its kernel and its inbox hold. */
const MESSAGES = 1_000
/** How many messages of a talker are under way. */
const UNDER_WAY = 20

/** A client that requests much data, and reads nothing until asked to. */
class SlowReader {
  readonly client: ReconnectingClient
  readonly heard: number[] = []
  readonly all_heard: Promise<void>
  read_on!: () => void

  constructor(url: string, name: string) {
    const reading = new Promise<void>(resolve => {
      this.read_on = resolve
    })
    let tell!: () => void
    this.all_heard = new Promise(resolve => {
      tell = resolve
    })
    this.client = new ReconnectingClient(url, async data => {
      await reading
      const [, index] = /^echo:\w+ (?:last )?(\d+) /.exec(data) ?? []
      this.heard.push(Number(index))
      if (this.heard.length === MESSAGES) tell()
    })
    for (let index = 0; index < MESSAGES; index += 1) {
      const word = index === MESSAGES - 1 ? 'last ' : ''
      const sent = this.client.ws.send(`${name} ${word}${index} `.padEnd(1_024, '.'))
      if (sent !== true) throw sent
    }
  }
}

/** A client that always has some messages in flight until it leaves. */
class Talker {
  readonly name: string
  readonly client: ReconnectingClient
  sent = 0
  /** The errors of messages that were not taken. */
  readonly refused: net.NetError[] = []
  #farewell: (() => void) | undefined

  constructor(url: string, name: string) {
    this.name = name
    this.client = new ReconnectingClient(url, data => {
      if (this.#farewell === undefined) this.#say(1)
      else if (data.startsWith('echo:bye')) this.#farewell()
    })
    this.client.ws.on_open(() => this.#say(UNDER_WAY))
  }

  /** Says goodbye, and leaves when that is answered. */
  async leave(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#farewell = resolve
      this.client.ws.send('bye')
    })
    this.client.ws.close()
    await this.client.ws.closed
  }

  #say(count: number): void {
    for (let said = 0; said < count && this.#farewell === undefined; said += 1) {
      const sent = this.client.ws.send(`${this.name} ${this.sent} `)
      if (sent !== true) this.refused.push(sent)
      this.sent += 1
    }
  }
}

/** Returns an address at which nothing listens now. */
async function free_address(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return `127.0.0.1:${port}`
}

afterEach(async () => {
  for (const ws of clients.splice(0)) await ws[Symbol.asyncDispose]()
  for (const program of running.splice(0)) {
    // Workers end by themselves without their supervisor.
    program.signal('SIGKILL')
    await program.exit
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('the page on scaling', () => {
  it('has no code that is not tried', () => {
    expect([...samples.keys()]).toEqual(['workers.mjs', 'reuse_port.mjs'])
    expect(blocks_of(page).filter(({ language }) => language === 'js')).toHaveLength(samples.size)
  })

  it('calls nothing that there is not', async () => {
    const typed = join(folder, 'typed')
    mkdirSync(typed)
    for (const [name, code] of samples) writeFileSync(join(typed, name), code)
    const settings = {
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        checkJs: true,
        noEmit: true,
        types: ['node'],
        strict: false,
        // The types are checked with the samples of other pages.
        skipLibCheck: true,
      },
      include: ['*.mjs'],
    }
    writeFileSync(join(typed, 'tsconfig.json'), JSON.stringify(settings))
    const tsc = fileURLToPath(import.meta.resolve('typescript/package.json'))
    await promisify(execFile)(process.execPath, [join(dirname(tsc), 'bin/tsc'), '-p', typed])
  })
})

describe('workers on one port', () => {
  // With rr, the tests below restart workers on a free port and on a Unix socket.
  it.each([
    { place: 'a fixed port', policy: 'rr', bind: free_address },
    { place: 'a fixed port', policy: 'none', bind: free_address },
    { place: 'a free port', policy: 'none', bind: () => '127.0.0.1:0' },
    { place: 'a Unix socket', policy: 'none', bind: () => `unix:${join(folder, 'socket')}` },
  ])(
    'at $place, scheduled by $policy: clients connect, get replies, and reconnect after a restart',
    async ({ bind, policy }) => {
      const { program, pids, url } = await start_workers(
        { bind: await bind() },
        { NODE_CLUSTER_SCHED_POLICY: policy },
      )
      expect(new Set(pids).size).toBe(WORKERS)
      const connected = await connect_clients(url, 6)
      await ask(url)
      program.signal('SIGHUP')
      await program.times(/all workers are new\n/g, 1)
      await Promise.all(connected.map(client => client.welcomed(2)))
      await ask(url)
      program.signal('SIGTERM')
      expect(await program.exit).toEqual([0, null])
    },
  )

  it('all get connections, and end if the supervisor is killed', async () => {
    const { program, pids, url } = await start_workers()
    const hosts = new Set<number | undefined>()
    // Busy workers are skipped, so the connections do not go to each in turn.
    while (hosts.size < WORKERS)
      for (const client of await connect_clients(url, 1)) hosts.add(client.hosts[0])
    expect([...hosts].sort()).toEqual([...pids].sort())
    program.signal('SIGKILL')
    // Their output is closed as well.
    expect(await program.exit).toEqual([null, 'SIGKILL'])
  })
})

describe('a rolling restart', () => {
  it('under load loses nothing that was queued for clients, and nothing that they send meanwhile', async () => {
    const tally = join(folder, 'restart')
    // What the kernel takes of a Unix socket is little, so it is the queues that hold what is not read.
    const { program, pids, url } = await start_workers(
      { bind: `unix:${join(folder, 'load')}` },
      { TALLY: tally },
    )
    const readers = Array.from({ length: READERS }, (_, id) => new SlowReader(url, `reader${id}`))
    const talkers = Array.from({ length: TALKERS }, (_, id) => new Talker(url, `talker${id}`))
    await Promise.all(talkers.map(({ client }) => client.ws.opened))
    const taken = await program.times(/taken: echo:reader\d+ last .*queued: (\d+)\n/g, READERS)
    for (const [, queued] of taken) expect(Number(queued)).toBeGreaterThan(200_000)
    program.signal('SIGHUP')
    // The first new worker listens, so the first of the old ones is asked to end.
    await program.workers(WORKERS + 1)
    for (const { read_on } of readers) read_on()
    await program.times(/all workers are new\n/g, 1)
    expect(
      [...program.output.matchAll(/worker (\d+) has ended/g)].map(([, pid]) => Number(pid)).sort(),
    ).toEqual([...pids].sort())
    for (const { client, heard, all_heard } of readers) {
      await all_heard
      expect(heard).toEqual(Array.from({ length: MESSAGES }, (_, index) => index))
      // It was with an old worker, and is now with a new one.
      await client.welcomed(2)
    }
    for (const talker of talkers) await talker.leave()
    const losses = [...readers, ...talkers].flatMap(({ client }) => client.infos)
    // An attempt may come too late on a machine that is busy.
    for (const info of losses.filter(({ cause }) => cause !== 'refused'))
      expect(info).toMatchObject({ code: 1012, clean: true, unsent: 0 })
    const received = new Map(talkers.map(({ name }) => [name, [] as number[]]))
    for (const [, who = '', index] of readFileSync(tally, 'utf8').matchAll(/^received (talker\d+) (\d+) /gm))
      received.get(who)?.push(Number(index))
    for (const { name, sent, refused } of talkers) {
      expect(refused).toEqual([])
      // What it says in `on_open` goes ahead of what waited, so the order is another one.
      const in_order = received.get(name)?.sort((one, other) => one - other)
      expect(in_order).toEqual(Array.from({ length: sent }, (_, index) => index))
    }
  }, 120_000)

  it('keeps the old workers if the new version does not start', async () => {
    const { program, pids, url } = await start_workers()
    const connected = await connect_clients(url, 6)
    writeFileSync(join(programs, 'workers.mjs'), 'process.exit(3)')
    program.signal('SIGHUP')
    await program.times(/the new worker does not start: the others go on as they are\n/g, 1)
    expect(program.output).toMatch(/worker \d+ has died \(exit code 3\)/)
    await ask(url)
    for (const { hosts, infos } of connected) {
      expect(infos).toEqual([])
      expect(pids).toContain(hosts[0])
    }
    expect(program.output).not.toContain('has ended')
  })

  it('kills and reports a worker that does not end, and its clients reconnect like the others', async () => {
    const { program, pids, url } = await start_workers({ end_ms: 200 })
    const connected = await connect_clients(url, 6)
    const [stuck = 0] = pids
    process.kill(stuck, 'SIGSTOP')
    onTestFailed(() => {
      if (!program.output.includes('it is killed')) process.kill(stuck, 'SIGCONT')
    })
    program.signal('SIGHUP')
    await program.times(new RegExp(`worker ${stuck} does not end: it is killed\n`, 'g'), 1)
    await program.times(/all workers are new\n/g, 1)
    await Promise.all(connected.map(client => client.welcomed(2)))
    await ask(url)
  })
})

describe('a worker that dies', () => {
  it('is replaced, its clients go to others, and those of others notice nothing', async () => {
    const { program, pids, url } = await start_workers()
    const connected = await connect_clients(url, 12)
    const [victim = 0] = connected[0]?.hosts ?? []
    process.kill(victim, 'SIGKILL')
    await program.times(new RegExp(`worker ${victim} has died \\(SIGKILL\\); in 100 ms`, 'g'), 1)
    const workers = await program.workers(WORKERS + 1)
    expect(pids).not.toContain(workers.at(-1)?.pid)
    for (const client of connected) {
      const was_hit = client.hosts[0] === victim
      await client.welcomed(was_hit ? 2 : 1)
      expect(client.ws.state).toBe('open')
      // A connection that was just being handed to the killed worker gets no answer, and its client retries.
      const [lost, ...refused] = client.infos.map(({ cause }) => cause)
      expect(lost).toBe(was_hit ? 'network' : undefined)
      expect(refused.filter(cause => cause !== 'refused')).toEqual([])
    }
  })

  it('again and again is replaced after longer and longer', async () => {
    const taken = net.listen({ type: 'ws', bind: '127.0.0.1:0' })
    await taken.opened
    const program = new Program(written('workers.mjs', { bind: taken.addr }))
    await program.times(/; in 400 ms, what is missing starts anew/g, 1)
    const waits = [...program.output.matchAll(/; in (\d+) ms/g)].map(([, ms]) => Number(ms))
    expect(waits).toEqual([100, 200, 400])
    expect(program.output).toContain('the port is in use')
    program.signal('SIGTERM')
    expect(await program.exit).toEqual([0, null])
    await taken[Symbol.asyncDispose]()
  })

  it('before it was one, since there is no memory for it, ends no other', async () => {
    const program = new Program(written('workers.mjs', {}), { FAILING_FORK: '2' })
    await program.times(/no worker starts \(spawn ENOMEM\); in 100 ms, what is missing starts anew\n/g, 1)
    await program.workers(WORKERS)
    expect(program.output).not.toContain('has died')
  })
})

describe('the supervisor', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'at %s has all workers end in order, and ends with 0',
    async signal => {
      const { program, pids, url } = await start_workers()
      const connected = await connect_clients(url, 6)
      // A terminal, and systemd, tell all processes at once.
      for (const pid of pids) process.kill(pid, signal)
      program.signal(signal)
      expect(await program.exit).toEqual([0, null])
      for (const { infos } of connected) expect(infos[0]).toMatchObject({ code: 1012, clean: true })
    },
  )

  it('also ends a worker that has not started yet', async () => {
    const program = new Program(written('workers.mjs', {}))
    await program.workers(1)
    program.signal('SIGTERM')
    expect(await program.exit).toEqual([0, null])
    expect(program.output.match(/has ended/g)).toHaveLength(WORKERS)
    expect(program.output).not.toContain('it is killed')
  })
})

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
/** From Node 22.12 on, but for 23.0. */
const has_reuse_port =
  process.platform === 'linux' &&
  (major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12))

describe('SO_REUSEPORT', () => {
  it.skipIf(!has_reuse_port)(
    'lets processes that know nothing of each other listen on one port',
    async () => {
      const bind = await free_address()
      const file = written('reuse_port.mjs', { bind })
      const programs = [new Program(file), new Program(file)]
      for (const program of programs) await program.times(/listening on/g, 1)
      const hosts = new Set<number | undefined>()
      while (hosts.size < 2)
        for (const client of await connect_clients(`ws://${bind}/ws`, 1)) hosts.add(client.hosts[0])
      for (const program of programs) {
        program.signal('SIGTERM')
        expect(await program.exit).toEqual([0, null])
      }
    },
  )
})
