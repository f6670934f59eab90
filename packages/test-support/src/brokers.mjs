// @ts-check
// A NATS server or a Redis of one's own, for tests and benchmarks: on a free port of loopback, in a folder of its own that is not kept.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { connect as connect_tls } from 'node:tls'
import { NATS as NATS_SERVER, path_of, REDIS as REDIS_SERVER } from './programs.mjs'

const HOST = '127.0.0.1'

/** How often a port is chosen anew when somebody else was quicker to take it. */
const MOST_TRIES = 5

/** How much of what a broker says is kept. */
const LOG_CHARACTERS = 65_536

/** Reads the process to end, or an empty line when there is none; when its input ends, however that came about, it tidies up. */
const GUARDIAN =
  'while read -r pid; do broker=$pid; done; [ -z "$broker" ] || kill -KILL "$broker"; rm -rf "$1"'

/**
 * How a broker is to be.
 * @typedef {object} BrokerOptions
 * @property {string} [config] lines for its configuration file
 * @property {readonly string[]} [args] more arguments
 * @property {{ readonly cert: string, readonly key: string, readonly ca?: string }} [tls] speaks TLS alone, with this certificate in PEM;
 *   with `ca`, clients have to have one as well, issued by that authority
 * @property {boolean} [cluster] makes a Redis a node of a Redis Cluster that knows no other one yet
 */

/**
 * Where a broker listens.
 * @typedef {object} Ports
 * @property {number} client for clients
 * @property {number} bus for other nodes of a Redis Cluster
 */

/**
 * What sets brokers of one kind apart.
 * @typedef {object} Kind
 * @property {import('./programs.mjs').Program} program
 * @property {string} scheme of its URLs
 * @property {string} tls_scheme of its URLs when it speaks TLS
 * @property {RegExp} says_ready what it says when it listens
 * @property {(folder: string, ports: Ports, options: BrokerOptions) => { args: string[], config: string }} settings
 * @property {(() => Promise<number>) | undefined} choose_port where it does not choose one itself when it is told the port -1
 * @property {RegExp} says_port what it says of its port
 * @property {(port: number, is_tls: boolean) => Promise<unknown>} answers settles when it has answered
 */

/**
 * Starts a nats-server. Its figures are at `monitor_url`, such as `/connz`.
 * @param {BrokerOptions} [options]
 * @returns {Promise<Broker>}
 */
export function start_nats(options = {}) {
  return start_broker(NATS, options)
}

/**
 * Starts a redis-server that keeps nothing on disk.
 * @param {BrokerOptions} [options]
 * @returns {Promise<Broker>}
 */
export function start_redis(options = {}) {
  return start_broker(REDIS, options)
}

/**
 * @param {Kind} kind
 * @param {BrokerOptions} options
 */
async function start_broker(kind, options) {
  const broker = new Broker(kind, options)
  await broker.start().catch(async error => {
    await broker.close()
    throw error
  })
  return broker
}

/** A broker that was started. It does not outlive the process that started it, whatever ends that. */
export class Broker {
  #kind
  #options
  #program
  #folder
  #guardian
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child
  /** @type {Promise<unknown>} */
  #exited = Promise.resolve()
  /** @type {number | undefined} */
  #port
  /** @type {number | undefined} the same one whenever it is started again, or the other nodes would not find it */
  #bus_port
  #log = ''
  /** what has to be in its configuration file, before the lines that it was given */
  #own_config = ''
  #reloads = 0
  /** @type {Set<() => void>} those who wait for something to be said */
  #listening = new Set()

  /**
   * @param {Kind} kind
   * @param {BrokerOptions} options
   */
  constructor(kind, options) {
    this.#kind = kind
    this.#options = options
    this.#program = path_of(kind.program)
    this.#folder = mkdtempSync(join(tmpdir(), `${kind.program.name}-`))
    // In a session of its own, so that Ctrl-C does not end it before its work is done.
    this.#guardian = spawn('/bin/sh', ['-c', GUARDIAN, 'sh', this.#folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
  }

  /** Where it listens, without a scheme. */
  get address() {
    return `${HOST}:${this.port}`
  }

  /** The port; the same one whenever it is started again. */
  get port() {
    if (this.#port === undefined) throw new Error(`${this.#kind.program.name} was not started`)
    return this.#port
  }

  /** What a client is given: `nats://…`, `tls://…`, `redis://…` or `rediss://…`. */
  get url() {
    const { scheme, tls_scheme } = this.#kind
    return `${this.#options.tls === undefined ? scheme : tls_scheme}://${this.address}`
  }

  /** Where a nats-server tells its figures over HTTP. */
  get monitor_url() {
    const found = /Starting http monitor on (\S+)/.exec(this.#log)?.[1]
    if (found === undefined) throw new Error(`${this.#kind.program.name} has no monitor`)
    return `http://${found}`
  }

  /** Whether it runs, or stands still. */
  get is_running() {
    return this.#child !== undefined
  }

  /** The process. */
  get pid() {
    if (this.#child?.pid === undefined) throw new Error(`${this.#kind.program.name} is not running`)
    return this.#child.pid
  }

  /** The last of what it has said since it was started. */
  get log() {
    return this.#log
  }

  /**
   * Settles when it has said something since it was started.
   * @param {RegExp} pattern
   * @returns {Promise<void>}
   */
  says(pattern) {
    return new Promise(resolve => {
      const look = () => {
        if (!pattern.test(this.#log)) return
        this.#listening.delete(look)
        resolve()
      }
      this.#listening.add(look)
      look()
    })
  }

  /** Starts it again, on the same port; settles when it answers. */
  async start() {
    if (this.#child !== undefined) throw new Error(`${this.#kind.program.name} is running already`)
    for (let tries = 1; !(await this.#tries_to_start(this.#port)); tries += 1) {
      if (this.#port !== undefined || tries === MOST_TRIES) throw this.#failed('found its port taken')
    }
  }

  /** Ends it as an administrator does, paused or not; settles when it has ended. */
  async stop() {
    this.#child?.kill('SIGTERM')
    this.#child?.kill('SIGCONT')
    await this.#exited
  }

  /** Ends it without a word; settles when it has ended. */
  async kill() {
    this.#child?.kill('SIGKILL')
    await this.#exited
  }

  /**
   * Has a nats-server go by other lines in its configuration file from now on; settles when it does.
   * @param {string} config
   */
  async reload(config) {
    this.#reloads += 1
    this.#options = { ...this.#options, config }
    this.#write_config()
    process.kill(this.pid, 'SIGHUP')
    await this.says(new RegExp(`(Reloaded server configuration[^]*){${this.#reloads}}`))
  }

  /** Lets it stand still, its connections open; settles when it does. */
  async pause() {
    const { pid } = this
    process.kill(pid, 'SIGSTOP')
    while (is_running(pid)) await setImmediate()
  }

  /** Lets it go on after `pause`. */
  resume() {
    process.kill(this.pid, 'SIGCONT')
  }

  /** Ends it, and deletes its folder; it can't be started any more. */
  async close() {
    const has_gone = once(this.#guardian, 'exit')
    if (this.#guardian.exitCode === null) {
      this.#guardian.stdin.end()
      await has_gone
    }
    await this.#exited
  }

  /**
   * Whether it could have that port, or one of its choice.
   * @param {number | undefined} kept_port
   */
  async #tries_to_start(kept_port) {
    const { tls, args = [] } = this.#options
    for (const [name, pem] of Object.entries(tls ?? {})) this.#write(`${name}.pem`, pem)
    const client = kept_port ?? (await this.#kind.choose_port?.()) ?? -1
    const bus = this.#bus_port ?? (await free_port())
    const settings = this.#kind.settings(this.#folder, { client, bus }, this.#options)
    this.#own_config = settings.config
    this.#write_config()
    const child = this.#spawn([...settings.args, ...args])
    if (!(await this.#is_ready(child))) {
      await this.#exited
      if (/address already in use/i.test(this.#log)) return false
      throw this.#failed('did not start')
    }
    this.#port = Number(this.#kind.says_port.exec(this.#log)?.[1])
    this.#bus_port = bus
    await this.#kind.answers(this.port, tls !== undefined)
    return true
  }

  /** @param {readonly string[]} args */
  #spawn(args) {
    const child = spawn(this.#program, args, { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.#log = ''
    this.#reloads = 0
    this.#guardian.stdin.write(`${child.pid ?? ''}\n`)
    this.#exited = new Promise(resolve => {
      const has_ended = () => {
        this.#child = undefined
        if (this.#guardian.stdin.writable) this.#guardian.stdin.write('\n')
        resolve(undefined)
      }
      child.once('close', has_ended).once('error', has_ended)
    })
    return child
  }

  /**
   * Settles when it says that it is ready, or has ended before.
   * @param {import('node:child_process').ChildProcess} child
   * @returns {Promise<boolean>}
   */
  #is_ready(child) {
    return new Promise((resolve, reject) => {
      const read = (/** @type {string} */ text) => {
        this.#log = (this.#log + text).slice(-LOG_CHARACTERS)
        for (const look of [...this.#listening]) look()
      }
      child.stdout?.setEncoding('utf8').on('data', read)
      child.stderr?.setEncoding('utf8').on('data', read)
      this.says(this.#kind.says_ready).then(() => resolve(true))
      child.once('error', reject)
      child.once('close', () => resolve(false))
    })
  }

  #write_config() {
    this.#write('broker.conf', `${this.#own_config}\n${this.#options.config ?? ''}\n`)
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #write(name, text) {
    writeFileSync(join(this.#folder, name), text, { mode: 0o600 })
  }

  /** @param {string} what */
  #failed(what) {
    return new Error(`${this.#kind.program.name} ${what}:\n${this.#log}`)
  }
}

/** @type {Kind} */
const NATS = {
  program: NATS_SERVER,
  scheme: 'nats',
  tls_scheme: 'tls',
  says_ready: /Server is ready/,
  settings: (folder, ports, { tls }) => {
    const file = (/** @type {string} */ name) => JSON.stringify(join(folder, name))
    const lines = tls && [
      `cert_file: ${file('cert.pem')}`,
      `key_file: ${file('key.pem')}`,
      ...(tls.ca === undefined ? [] : [`ca_file: ${file('ca.pem')}`, 'verify: true']),
    ]
    return {
      args: ['-a', HOST, '-p', String(ports.client), '-m', '-1', '-c', join(folder, 'broker.conf')],
      config: lines === undefined ? '' : `tls {\n${lines.join('\n')}\n}`,
    }
  },
  choose_port: undefined,
  says_port: /Listening for client connections on \S+:(\d+)/,
  // It speaks first, and plainly even where it asks for TLS then.
  answers: port => speaks(connect(port, HOST), '', /^INFO /),
}

/** @type {Kind} */
const REDIS = {
  program: REDIS_SERVER,
  scheme: 'redis',
  tls_scheme: 'rediss',
  says_ready: /Ready to accept connections/,
  settings: (folder, ports, { tls, cluster }) => {
    const lines = tls && [
      'port 0',
      `tls-port ${ports.client}`,
      `tls-cert-file ${join(folder, 'cert.pem')}`,
      `tls-key-file ${join(folder, 'key.pem')}`,
      `tls-auth-clients ${tls.ca === undefined ? 'no' : 'yes'}`,
      `tls-ca-cert-file ${join(folder, tls.ca === undefined ? 'cert.pem' : 'ca.pem')}`,
    ]
    const parts = [
      [`bind ${HOST}`, `dir ${folder}`, 'save ""', 'appendonly no'],
      lines ?? [`port ${ports.client}`],
      // Its own choice for the port of the other nodes is 10000 above, which may be no port at all.
      cluster ? ['cluster-enabled yes', `cluster-port ${ports.bus}`, 'cluster-node-timeout 2000'] : [],
    ]
    return { args: [join(folder, 'broker.conf')], config: parts.flat().join('\n') }
  },
  choose_port: free_port,
  says_port: /Running mode=\w+, port=(\d+)/,
  // Who it does not know is answered as well, and who has no certificate is turned away.
  answers: (port, is_tls) =>
    is_tls
      ? speaks(connect_tls({ port, host: HOST, rejectUnauthorized: false }), 'PING\r\n', /^[+-]/, /alert/)
      : speaks(connect(port, HOST), 'PING\r\n', /^[+-]/),
}

/**
 * Settles when a broker has answered as expected.
 * @param {import('node:net').Socket} socket
 * @param {string} question
 * @param {RegExp} answer
 * @param {RegExp} [refusal] an error that is an answer too
 */
async function speaks(socket, question, answer, refusal) {
  try {
    socket.write(question)
    const [said] = await once(socket, 'data')
    if (!answer.test(String(said)))
      throw new Error(`a broker said ${JSON.stringify(String(said).slice(0, 80))}`)
    // Until it has let go, so that this connection is not counted any more.
    socket.resume().end()
    await once(socket, 'close')
  } catch (error) {
    if (refusal?.test(String(error)) !== true) throw error
  } finally {
    socket.destroy()
  }
}

/** A port that is free now. */
async function free_port() {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Whether some thread of a process has not stopped yet; where there is no /proc, that is not known.
 * @param {number} pid
 */
function is_running(pid) {
  const status = `/proc/${pid}/status`
  return existsSync(status) && !/^State:\s*[TZX]/m.test(readFileSync(status, 'utf8'))
}
