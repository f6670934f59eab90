// @ts-check
// Starts a NATS or Redis server for one test or benchmark, on a free loopback port, with a temporary folder.
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

/** How many ports are tried when another process takes the chosen one first. */
const MAX_START_ATTEMPTS = 5

/** How much of a broker's output is kept. */
const MAX_LOG_CHARACTERS = 65_536

/**
 * Reads the process id of the broker from its input; an empty line means that the broker has ended. When the
 * input ends, for whatever reason, the script kills the broker and deletes the folder.
 */
const GUARDIAN =
  'while read -r pid; do broker=$pid; done; [ -z "$broker" ] || kill -KILL "$broker"; rm -rf "$1"'

/**
 * How a broker is configured.
 * @typedef {object} BrokerOptions
 * @property {string} [config] lines for its configuration file
 * @property {readonly string[]} [args] more arguments
 * @property {{ readonly cert: string, readonly key: string, readonly ca?: string }} [tls] accepts only TLS,
 *   with this certificate in PEM; with `ca`, clients need a certificate of that authority as well
 * @property {boolean} [cluster] makes a Redis a node of a Redis Cluster that knows no other nodes yet
 */

/**
 * The ports of a broker.
 * @typedef {object} Ports
 * @property {number} client for clients
 * @property {number} bus for other nodes of a Redis Cluster
 */

/**
 * What differs between NATS and Redis.
 * @typedef {object} BrokerKind
 * @property {import('./programs.mjs').Program} program
 * @property {string} scheme of its URLs
 * @property {string} tls_scheme of its URLs with TLS
 * @property {RegExp} ready_pattern matches its output once it listens
 * @property {(folder: string, ports: Ports, options: BrokerOptions) => { args: string[], config: string }} settings
 * @property {(() => Promise<number>) | undefined} choose_port if it does not accept port -1
 * @property {RegExp} port_pattern captures its port in its output
 * @property {(port: number, is_tls: boolean) => Promise<unknown>} check_answer resolves when it answers
 */

/**
 * Starts a nats-server. Its statistics are below `monitor_url`, such as `/connz`.
 * @param {BrokerOptions} [options]
 * @returns {Promise<Broker>}
 */
export function start_nats(options = {}) {
  return start_broker(NATS, options)
}

/**
 * Starts a redis-server without persistence.
 * @param {BrokerOptions} [options]
 * @returns {Promise<Broker>}
 */
export function start_redis(options = {}) {
  return start_broker(REDIS, options)
}

/**
 * @param {BrokerKind} kind
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

/** A broker process. It ends with the process that started it, even if that is killed. */
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
  /** @type {number | undefined} the same after each restart, so that the other nodes find it again */
  #bus_port
  #log = ''
  /** The part of the configuration file that comes before the lines of `options.config`. */
  #own_config = ''
  #reloads = 0
  /** @type {Set<() => void>} run whenever the log grows */
  #log_checks = new Set()

  /**
   * @param {BrokerKind} kind
   * @param {BrokerOptions} options
   */
  constructor(kind, options) {
    this.#kind = kind
    this.#options = options
    this.#program = path_of(kind.program)
    this.#folder = mkdtempSync(join(tmpdir(), `${kind.program.name}-`))
    // Detached, so that Ctrl-C does not end the guardian before it has cleaned up.
    this.#guardian = spawn('/bin/sh', ['-c', GUARDIAN, 'sh', this.#folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
  }

  /** Its host and port, without a scheme. */
  get address() {
    return `${HOST}:${this.port}`
  }

  /** Its port, which stays the same after a restart. */
  get port() {
    if (this.#port === undefined) throw new Error(`${this.#kind.program.name} was not started`)
    return this.#port
  }

  /** Its URL for clients: `nats://…`, `tls://…`, `redis://…` or `rediss://…`. */
  get url() {
    const { scheme, tls_scheme } = this.#kind
    return `${this.#options.tls === undefined ? scheme : tls_scheme}://${this.address}`
  }

  /** The URL where a nats-server serves its statistics. */
  get monitor_url() {
    const found = /Starting http monitor on (\S+)/.exec(this.#log)?.[1]
    if (found === undefined) throw new Error(`${this.#kind.program.name} has no monitor`)
    return `http://${found}`
  }

  /** Whether the process exists, paused or not. */
  get is_running() {
    return this.#child !== undefined
  }

  /** The process id. */
  get pid() {
    if (this.#child?.pid === undefined) throw new Error(`${this.#kind.program.name} is not running`)
    return this.#child.pid
  }

  /** The end of its output since its last start. */
  get log() {
    return this.#log
  }

  /**
   * Resolves when its output since its last start matches the pattern.
   * @param {RegExp} pattern
   * @returns {Promise<void>}
   */
  says(pattern) {
    return new Promise(resolve => {
      const check = () => {
        if (!pattern.test(this.#log)) return
        this.#log_checks.delete(check)
        resolve()
      }
      this.#log_checks.add(check)
      check()
    })
  }

  /** Starts it, after the first time on the same port, and resolves when it answers. */
  async start() {
    if (this.#child !== undefined) throw new Error(`${this.#kind.program.name} is running already`)
    for (let attempt = 1; !(await this.#tries_to_start(this.#port)); attempt += 1) {
      if (this.#port !== undefined || attempt === MAX_START_ATTEMPTS)
        throw this.#failed('found its port taken')
    }
  }

  /** Stops it with SIGTERM, paused or not, and resolves when it has exited. */
  async stop() {
    this.#child?.kill('SIGTERM')
    this.#child?.kill('SIGCONT')
    await this.#exited
  }

  /** Kills it, and resolves when it has exited. */
  async kill() {
    this.#child?.kill('SIGKILL')
    await this.#exited
  }

  /**
   * Makes a nats-server reload its configuration with other lines, and resolves when it has.
   * @param {string} config
   */
  async reload(config) {
    this.#reloads += 1
    this.#options = { ...this.#options, config }
    this.#write_config()
    process.kill(this.pid, 'SIGHUP')
    await this.says(new RegExp(`(Reloaded server configuration[^]*){${this.#reloads}}`))
  }

  /** Suspends the process, with its connections open, and resolves when it has stopped. */
  async pause() {
    const { pid } = this
    process.kill(pid, 'SIGSTOP')
    while (is_running(pid)) await setImmediate()
  }

  /** Resumes the process after `pause`. */
  resume() {
    process.kill(this.pid, 'SIGCONT')
  }

  /** Kills it and deletes its folder. It cannot be started again. */
  async close() {
    const has_gone = once(this.#guardian, 'exit')
    if (this.#guardian.exitCode === null) {
      this.#guardian.stdin.end()
      await has_gone
    }
    await this.#exited
  }

  /**
   * Starts it on the given port, or any free one. Returns `false` if the port is taken.
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
    this.#port = Number(this.#kind.port_pattern.exec(this.#log)?.[1])
    this.#bus_port = bus
    await this.#kind.check_answer(this.port, tls !== undefined)
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
   * Resolves with whether it became ready, or ended before.
   * @param {import('node:child_process').ChildProcess} child
   * @returns {Promise<boolean>}
   */
  #is_ready(child) {
    return new Promise((resolve, reject) => {
      const read = (/** @type {string} */ text) => {
        this.#log = (this.#log + text).slice(-MAX_LOG_CHARACTERS)
        for (const check of [...this.#log_checks]) check()
      }
      child.stdout?.setEncoding('utf8').on('data', read)
      child.stderr?.setEncoding('utf8').on('data', read)
      this.says(this.#kind.ready_pattern).then(() => resolve(true))
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

  /** @param {string} problem */
  #failed(problem) {
    return new Error(`${this.#kind.program.name} ${problem}:\n${this.#log}`)
  }
}

/** @type {BrokerKind} */
const NATS = {
  program: NATS_SERVER,
  scheme: 'nats',
  tls_scheme: 'tls',
  ready_pattern: /Server is ready/,
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
  port_pattern: /Listening for client connections on \S+:(\d+)/,
  // A nats-server sends INFO first, in plain text even if it then requires TLS.
  check_answer: port => exchange(connect(port, HOST), '', /^INFO /),
}

/** @type {BrokerKind} */
const REDIS = {
  program: REDIS_SERVER,
  scheme: 'redis',
  tls_scheme: 'rediss',
  ready_pattern: /Ready to accept connections/,
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
      // The default cluster port is the client port plus 10000, which may exceed 65535.
      cluster ? ['cluster-enabled yes', `cluster-port ${ports.bus}`, 'cluster-node-timeout 2000'] : [],
    ]
    return { args: [join(folder, 'broker.conf')], config: parts.flat().join('\n') }
  },
  choose_port: free_port,
  port_pattern: /Running mode=\w+, port=(\d+)/,
  // An error reply counts as an answer, and so does a TLS alert: this client has no password or certificate.
  check_answer: (port, is_tls) =>
    is_tls
      ? exchange(connect_tls({ port, host: HOST, rejectUnauthorized: false }), 'PING\r\n', /^[+-]/, /alert/)
      : exchange(connect(port, HOST), 'PING\r\n', /^[+-]/),
}

/**
 * Resolves when a broker has answered as expected.
 * @param {import('node:net').Socket} socket
 * @param {string} question
 * @param {RegExp} answer
 * @param {RegExp} [refusal] an error that counts as an answer
 */
async function exchange(socket, question, answer, refusal) {
  try {
    socket.write(question)
    const [received] = await once(socket, 'data')
    if (!answer.test(String(received)))
      throw new Error(`a broker said ${JSON.stringify(String(received).slice(0, 80))}`)
    // Waits for the close, so that the broker no longer counts this connection.
    socket.resume().end()
    await once(socket, 'close')
  } catch (error) {
    if (refusal?.test(String(error)) !== true) throw error
  } finally {
    socket.destroy()
  }
}

/** Returns a port that is free now. */
async function free_port() {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Returns whether a process has not stopped yet, according to /proc; without /proc, returns `false`.
 * @param {number} pid
 */
function is_running(pid) {
  const status = `/proc/${pid}/status`
  return existsSync(status) && !/^State:\s*[TZX]/m.test(readFileSync(status, 'utf8'))
}
