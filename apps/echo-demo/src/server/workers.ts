import cluster, { type Worker } from 'node:cluster'
import { say, say_error } from '../shared/print.js'

/** The delay before a dead worker is replaced. It doubles each time, until a worker lives for a minute. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 30_000
const HEALTHY_MS = 60_000
/** A worker that takes longer to start is killed. */
const START_LIMIT_MS = 30_000

/** The settings of {@link Workers}. */
export interface WorkersOptions {
  /** The number of processes. */
  readonly count: number
  /** How long a worker that was asked to end may take, in milliseconds, before it is killed. */
  readonly end_ms: number
}

/**
 * Worker processes of this program on one port. Dead ones are replaced, and {@link restart} replaces them all
 * in turn.
 */
export class Workers {
  readonly #options: WorkersOptions
  /** The workers that were not asked to end, each with the address that it listens on, once it does. */
  readonly #running = new Map<Worker, Promise<string | undefined>>()
  #wait_ms = FIRST_WAIT_MS
  #refill: NodeJS.Timeout | undefined
  #restarted: Promise<void> = Promise.resolve()
  #phase: 'beginning' | 'serving' | 'stopping' = 'beginning'

  constructor(options: WorkersOptions) {
    this.#options = options
  }

  /**
   * Starts the workers. Resolves to their address, or to nothing if the first one can't listen, which it has
   * reported.
   */
  async start(): Promise<string | undefined> {
    const addr = await this.#start_one()
    if (addr === undefined || this.#phase === 'stopping') return undefined
    this.#phase = 'serving'
    await Promise.all(Array.from({ length: this.#options.count - 1 }, () => this.#start_one()))
    return addr
  }

  /** Replaces the workers one after the other, each as soon as its successor listens. */
  restart(): void {
    if (this.#phase !== 'serving') return
    this.#restarted = this.#restarted.then(() => this.#restart_all())
  }

  /** Asks all workers to end. Resolves when they have. */
  async stop(): Promise<void> {
    this.#phase = 'stopping'
    clearTimeout(this.#refill)
    await Promise.all(Array.from(this.#running.keys(), worker => this.#end(worker)))
    await this.#restarted
  }

  async #restart_all(): Promise<void> {
    say('server', `restarting ${this.#running.size} workers, one after the other`)
    for (const old of [...this.#running.keys()]) {
      if (!this.#running.has(old)) continue
      if ((await this.#start_one()) === undefined) {
        if (this.#phase === 'serving')
          say('server', 'the new worker does not start; the old ones keep running')
        return
      }
      if (this.#running.has(old)) await this.#end(old)
    }
    if (this.#phase === 'serving') say('server', 'all workers are new')
  }

  /** Starts a worker. Resolves to the address that it listens on, or to nothing if it fails to. */
  async #start_one(): Promise<string | undefined> {
    let worker: Worker
    try {
      worker = cluster.fork()
    } catch (error) {
      say_error(error)
      if (this.#phase === 'serving') this.#refill_later()
      return undefined
    }
    const started_ms = performance.now()
    const too_late = setTimeout(() => kill(worker, 'does not begin'), START_LIMIT_MS)
    const addr = new Promise<string | undefined>(resolve => {
      const on_exit = (reason: string): void => {
        clearTimeout(too_late)
        resolve(undefined)
        if (this.#running.delete(worker)) this.#report_lost(worker, reason, performance.now() - started_ms)
      }
      worker.once('message', (addr: string) => {
        clearTimeout(too_late)
        say('server', `worker ${worker.id} listens, process ${worker.process.pid}`)
        resolve(addr)
      })
      worker.once('exit', (code, signal) => on_exit(signal ?? `exit code ${code}`))
      worker.on('error', error => on_exit(error.message))
    })
    this.#running.set(worker, addr)
    return addr
  }

  #report_lost(worker: Worker, reason: string, lived_ms: number): void {
    if (this.#phase !== 'serving') return
    if (lived_ms > HEALTHY_MS) this.#wait_ms = FIRST_WAIT_MS
    say('server', `worker ${worker.id} has died (${reason})`)
    this.#refill_later()
  }

  #refill_later(): void {
    if (this.#refill !== undefined) return
    say('server', `in ${this.#wait_ms / 1000} s, missing workers are started again`)
    this.#refill = setTimeout(() => {
      this.#refill = undefined
      for (let missing = this.#options.count - this.#running.size; missing > 0; missing -= 1)
        this.#start_one()
    }, this.#wait_ms)
    this.#wait_ms = Math.min(2 * this.#wait_ms, LONGEST_WAIT_MS)
  }

  async #end(worker: Worker): Promise<void> {
    const listens = this.#running.get(worker)
    this.#running.delete(worker)
    const too_late = setTimeout(() => kill(worker, 'does not end'), this.#options.end_ms)
    const exited = new Promise(resolve => worker.once('exit', resolve))
    // A worker does not handle messages before it listens; sending to a dying one fails, which is fine.
    await listens
    worker.send('end', () => {})
    await exited
    clearTimeout(too_late)
  }
}

function kill(worker: Worker, problem: string): void {
  say_error(`worker ${worker.id} ${problem}: it is killed`)
  worker.process.kill('SIGKILL')
}
