import { message_text } from '../shared/message.js'
import type { Connection } from './connection.js'
import { element, set_data, set_text } from './element.js'
import { Strip } from './strip.js'
import { Tally } from './tally.js'
import { count_text, things_text } from './words.js'

const EVERY_MS = 100

/** Counts the numbers of the server, and those of this page that the server returns, and shows them. */
export class NumbersPanel {
  readonly #connection: Connection
  readonly #strip_in = new Strip(element('strip_in'))
  readonly #strip_out = new Strip(element('strip_out'))
  #in!: Tally
  #out!: Tally
  #run: number | undefined
  #next = 1
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(connection: Connection) {
    this.#connection = connection
    this.clear()
  }

  /** The counts so far, in one line for the log. */
  get summary(): string {
    const { has_session } = this.#connection
    return `numbers ${has_session ? 'with' : 'without'} a session: from the server, ${counts_text(this.#in)}; there and back, ${counts_text(this.#out)}`
  }

  /** A sentence for screen readers, if numbers are missing or came twice. */
  get sentence(): string {
    const missing = this.#in.missing + this.#out.missing
    const twice = this.#in.twice + this.#out.twice
    if (missing + twice === 0) return ''
    return `${things_text(missing, 'number')} missing, ${count_text(twice)} twice.`
  }

  /** Begins to count anew. */
  clear(): void {
    for (const strip of [this.#strip_in, this.#strip_out]) strip.clear()
    this.#in = new Tally((fate, times) => this.#strip_in.put(fate, times))
    this.#out = new Tally((fate, times) => this.#strip_out.put(fate, times), 1)
    this.#run = undefined
    this.#next = 1
  }

  /** Sends ten numbers a second. */
  start(): void {
    this.stop()
    this.#timer = setInterval(() => this.#send(), EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Counts a number of the server. A server that was restarted begins anew. */
  take(run: number, number: number): void {
    if (this.#run !== run) this.#in.restart()
    this.#run = run
    this.#in.take(number)
  }

  /** Counts a number of this page that the server has returned. */
  take_own(number: number): void {
    this.#out.take(number)
  }

  /** Renders what has changed. */
  write(): void {
    const { losses, recoveries, has_session } = this.#connection
    const session = has_session ? `session recovered ${times_text(recoveries)}` : 'no session'
    set_text(element('numbers_note'), `lost ${times_text(losses)} · ${session}`)
    write_counts('in', this.#in)
    write_counts('out', this.#out)
  }

  #send(): void {
    // A full queue refuses the number, which is then the next one again.
    if (this.#connection.is_full) return
    const sent = this.#connection.send(message_text({ type: 'number', number: this.#next }))
    if (sent === true) this.#next += 1
  }
}

function write_counts(direction: 'in' | 'out', tally: Tally): void {
  for (const name of ['came', 'missing', 'twice'] as const) {
    const figure = element(`${direction}_${name}`)
    set_text(figure, count_text(tally[name]))
    if (figure.parentElement !== null) set_data(figure.parentElement, 'some', String(tally[name] > 0))
  }
}

function counts_text({ came, missing, twice }: Tally): string {
  return `${count_text(came)} came, ${count_text(missing)} missing, ${count_text(twice)} twice`
}

function times_text(count: number): string {
  return things_text(count, 'time')
}
