import cluster, { type Worker } from 'node:cluster'
import { say, say_error } from './print.js'

/** How long it takes until there is another worker in place of one that has died: twice as long each time, until one lives for a minute. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 30_000
const HEALTHY_MS = 60_000
/** A worker that takes longer to begin is killed. */
const BEGIN_MS = 30_000

/** How many processes serve one port, and what ends one that does not end by itself. */
export interface WorkersOptions {
  /** How many. */
  readonly count: number
  /** For how long one that was told to end may go on, in milliseconds; then it is killed. */
  readonly end_ms: number
}

/** Processes that run this program as workers on one port: those that die are replaced, and all of them can be, one after the other. */
export class Workers {
  readonly #options: WorkersOptions
  /** Those that are to run, each with where it listens, once it does; who was told to end is not among them. */
  readonly #running = new Map<Worker, Promise<string | undefined>>()
  #wait_ms = FIRST_WAIT_MS
  #refill: NodeJS.Timeout | undefined
  #restarted: Promise<void> = Promise.resolve()
  #phase: 'beginning' | 'serving' | 'stopping' = 'beginning'

  constructor(options: WorkersOptions) {
    this.#options = options
  }

  /** Starts them; settles with where they listen, or with nothing where the first one can't, which it has said. */
  async start(): Promise<string | undefined> {
    const addr = await this.#start_one()
    if (addr === undefined || this.#phase === 'stopping') return undefined
    this.#phase = 'serving'
    await Promise.all(Array.from({ length: this.#options.count - 1 }, () => this.#start_one()))
    return addr
  }

  /** Replaces one after the other, each as soon as the next one listens. */
  restart(): void {
    if (this.#phase !== 'serving') return
    this.#restarted = this.#restarted.then(() => this.#restart_all())
  }

  /** Has all of them end; settles when they have. */
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
          say('server', 'the new worker does not start; the others go on as they are')
        return
      }
      if (this.#running.has(old)) await this.#end(old)
    }
    if (this.#phase === 'serving') say('server', 'all workers are new')
  }

  /** Settles with where the new one listens, or with nothing where it does not. */
  async #start_one(): Promise<string | undefined> {
    let worker: Worker
    try {
      worker = cluster.fork()
    } catch (error) {
      say_error(error)
      if (this.#phase === 'serving') this.#refill_later()
      return undefined
    }
    const began_ms = performance.now()
    const too_late = setTimeout(() => kill(worker, 'does not begin'), BEGIN_MS)
    const addr = new Promise<string | undefined>(resolve => {
      const gone = (why: string): void => {
        clearTimeout(too_late)
        resolve(undefined)
        if (this.#running.delete(worker)) this.#lost(worker, why, performance.now() - began_ms)
      }
      worker.once('message', (addr: string) => {
        clearTimeout(too_late)
        say('server', `worker ${worker.id} listens, process ${worker.process.pid}`)
        resolve(addr)
      })
      worker.once('exit', (code, signal) => gone(signal ?? `exit code ${code}`))
      worker.on('error', error => gone(error.message))
    })
    this.#running.set(worker, addr)
    return addr
  }

  #lost(worker: Worker, why: string, lived_ms: number): void {
    if (this.#phase !== 'serving') return
    if (lived_ms > HEALTHY_MS) this.#wait_ms = FIRST_WAIT_MS
    say('server', `worker ${worker.id} has died (${why})`)
    this.#refill_later()
  }

  #refill_later(): void {
    if (this.#refill !== undefined) return
    say('server', `in ${this.#wait_ms / 1000} s, what is missing starts anew`)
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
    // Before it listens it hears nothing, nor does one that is just dying.
    await listens
    worker.send('end', () => {})
    await exited
    clearTimeout(too_late)
  }
}

function kill(worker: Worker, why: string): void {
  say_error(`worker ${worker.id} ${why}: it is killed`)
  worker.process.kill('SIGKILL')
}
