import { connect, type WsClient } from '@bt/net'
import { session } from '@bt/net/session'
import { seeded_random } from '../soak/seeded_random.js'
import { burst_size, run_callback } from './callback.js'
import { add_number, type ClientRecord, is_impossible, type ReceivedSession } from './ledger.js'
import { is_empty_number, type NumberedMessage, read_message, write_message } from './numbered_message.js'

/** How a {@link LedgerClient} connects. */
export interface LedgerClientSettings {
  readonly id: string
  readonly url: string
  readonly seed: number
  readonly unacknowledged: 'report' | 'resend'
}

/** How often it sends. */
const TICK_MS = 2
/** How many of the latest events a flaw shows. */
const MAX_TRAIL = 30

/**
 * A client that sends numbered messages, checks those that arrive, and records both. Its session is lost again and
 * again. Runs in Node and in a page.
 */
export class LedgerClient {
  readonly #record: ClientRecord
  readonly #random: () => number
  readonly #ws: WsClient<string | Uint8Array>
  readonly #timer: ReturnType<typeof setInterval>
  /** The latest events. */
  readonly #trail: string[] = []
  #is_full = false
  #is_handling = false
  #is_finishing = false
  #has_opened!: () => void
  /** Resolves when it has connected for the first time. */
  readonly opened: Promise<void>

  constructor({ id, url, seed, unacknowledged }: LedgerClientSettings) {
    this.#random = seeded_random(seed)
    this.opened = new Promise(resolve => {
      this.#has_opened = resolve
    })
    this.#record = {
      id,
      unacknowledged,
      sent: 0,
      greetings: 0,
      in_doubt: [],
      greetings_in_doubt: [],
      unnumbered_in_doubt: 0,
      acknowledged_below: 0,
      opens: [],
      sessions: [],
      info: undefined,
      flaws: [],
    }
    this.#ws = connect({
      type: 'ws',
      url: `${url}?client=${id}`,
      binary: true,
      session: session({ unacknowledged, on_unacknowledged: messages => this.#in_doubt(messages) }),
      // A server that restarts refuses connections for a moment, and so does a proxy.
      reconnect: { min_delay: 1, max_delay: 20, retries: () => (this.#is_finishing ? undefined : true) },
      connect_timeout: 2_000,
      heartbeat: 1_000,
      close_timeout: 2_000,
      max_queue: 524_288,
      on_open: ({ recovered, in_doubt }) => this.#open(recovered, in_doubt),
      on_message: data => this.#message(data),
      on_reconnecting: ({ info }) => this.#note(`lost: ${info.cause}, ${info.code}, ${info.unsent} unsent`),
      on_close: info => {
        this.#note(`closed: ${info.cause}, ${info.code}`)
        this.#record.info = info
      },
      on_error: error => {
        if (is_impossible(error)) this.#flaw(error.message)
        else if (error.code !== 'handler_failed') this.#note(error.message)
      },
    })
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /** Sends the last message, has the server send its last one, and closes. Returns the record. */
  async finish(): Promise<ClientRecord> {
    clearInterval(this.#timer)
    this.#is_finishing = true
    this.#request_finish()
    await this.#ws.closed
    return this.#record
  }

  /** What was recorded so far, with the latest events. */
  get state(): { readonly record: ClientRecord; readonly trail: readonly string[] } {
    return { record: this.#record, trail: this.#trail }
  }

  #tick(): void {
    for (let left = burst_size(this.#random); left > 0 && !this.#is_full; left -= 1) this.#send()
    if (this.#random() < 0.02) this.#ask_for_acknowledgement()
    if (this.#random() < 0.001) {
      this.#note('reconnects')
      this.#ws.reconnect()
    }
  }

  #send(request: NumberedMessage['request'] = ''): boolean {
    const message = { stream: `c${this.#record.id}`, number: this.#record.sent, broadcasts: 0, request }
    const is_sent = this.#ws.send(write_message(message)) === true
    if (is_sent) this.#record.sent += 1
    else {
      this.#is_full = true
      const go_on = (): void => {
        this.#is_full = false
      }
      this.#ws.drained().then(go_on, go_on)
    }
    return is_sent
  }

  #ask_for_acknowledgement(): void {
    const { sent } = this.#record
    this.#ws.acknowledged().then(
      () => {
        this.#note(`acknowledged below ${sent}`)
        this.#record.acknowledged_below = Math.max(this.#record.acknowledged_below, sent)
      },
      // The session that was asked is lost.
      () => {},
    )
  }

  #request_finish(): void {
    if (this.#send('finish') || this.#ws.state === 'closed') return
    const again = (): void => void setTimeout(() => this.#request_finish(), TICK_MS)
    this.#ws.drained().then(again, again)
  }

  #open(recovered: boolean, in_doubt: number): void {
    const { opens } = this.#record
    this.#note(`open: ${recovered ? 'recovered' : `not recovered, ${in_doubt} in doubt`}`)
    if (opens.length === 0) {
      this.#has_opened()
      if (recovered || in_doubt > 0) this.#flaw('the first session goes on with another one')
    }
    if (recovered && in_doubt > 0) this.#flaw(`${in_doubt} messages are in doubt though it was recovered`)
    opens.push({ at_ms: performance.timeOrigin + performance.now(), recovered, in_doubt })
    this.#greet()
    // The new session has not heard of it, or only the lost one has. Later, as what `on_open` sends goes first.
    if (this.#is_finishing && !recovered) setTimeout(() => this.#request_finish(), 0)
  }

  /** Sends what goes ahead of the queue. */
  #greet(): void {
    const greeting = { stream: `g${this.#record.id}`, number: this.#record.greetings, broadcasts: 0 }
    if (this.#ws.send(write_message({ ...greeting, request: '' })) === true) this.#record.greetings += 1
  }

  /** Notes the numbers of messages in doubt. */
  #in_doubt(all: readonly (string | Uint8Array)[]): void {
    const record = this.#record
    const messages: (NumberedMessage | 'empty')[] = []
    for (const message of all.map(read_message))
      if (message !== 'empty' && message.stream.startsWith('g'))
        add_number(record.greetings_in_doubt, message.number)
      else messages.push(message)
    // Without the greetings, they have been sent one after another.
    const index = messages.findIndex(message => message !== 'empty')
    const known = messages[index]
    if (known === undefined || known === 'empty') {
      record.unnumbered_in_doubt += messages.length
      return
    }
    const first = known.number - index
    this.#note(`${messages.length} in doubt, from ${first} on`)
    for (const [index, message] of messages.entries()) {
      const number = first + index
      const is_right = message === 'empty' ? is_empty_number(number) : message.number === number
      if (!is_right) this.#flaw(`${number} is missing among those in doubt`)
      if (number < record.acknowledged_below) this.#flaw(`${number} is in doubt, but was acknowledged`)
      add_number(record.in_doubt, number)
    }
  }

  #message(data: string | Uint8Array): Promise<void> | undefined {
    if (this.#is_handling) this.#flaw('a callback began before the previous one was done')
    this.#is_handling = true
    const is_done = (): void => {
      this.#is_handling = false
    }
    try {
      this.#count(data)
      const settled = run_callback(this.#random)
      if (settled === undefined) is_done()
      else settled.then(is_done, is_done)
      return settled
    } catch (error) {
      is_done()
      throw error
    }
  }

  #count(data: string | Uint8Array): void {
    let message: NumberedMessage | 'empty'
    try {
      message = read_message(data)
    } catch (error) {
      this.#flaw((error as Error).message)
      return
    }
    const current = this.#record.sessions.at(-1)
    if (message === 'empty') {
      if (current === undefined || !is_empty_number(current.direct))
        this.#flaw(`an empty message has arrived instead of ${current?.direct} of ${current?.id}`)
      else current.direct += 1
      return
    }
    if (message.stream.startsWith('b')) this.#count_broadcast(message, current)
    else this.#count_direct(message, current)
  }

  #count_direct({ stream, number, broadcasts, request }: NumberedMessage, latest?: ReceivedSession): void {
    const id = stream.slice(1)
    let current = latest
    if (current?.id !== id) {
      if (this.#record.sessions.some(session => session.id === id)) this.#flaw(`session ${id} is back`)
      current = { id, direct: 0, first_broadcast: undefined, broadcasts: 0 }
      this.#record.sessions.push(current)
      this.#note(`first message of session ${id}`)
    }
    if (number !== current.direct)
      this.#flaw(`${number} of session ${id} has arrived instead of ${current.direct}`)
    if (broadcasts !== current.broadcasts)
      this.#flaw(
        `${current.broadcasts} broadcasts have arrived before ${number} of session ${id}, not ${broadcasts}`,
      )
    current.direct = number + 1
    current.broadcasts = broadcasts
    if (request === 'finished' && this.#is_finishing) {
      this.#note('finished')
      this.#ws.close()
    }
  }

  #count_broadcast({ stream, number }: NumberedMessage, current?: ReceivedSession): void {
    if (current === undefined || !current.id.startsWith(`${stream.slice(1)}.`)) {
      this.#flaw(`broadcast ${number} of ${stream} has arrived in session ${current?.id}`)
      return
    }
    current.first_broadcast ??= number
    const expected = current.first_broadcast + current.broadcasts
    if (number !== expected)
      this.#flaw(`broadcast ${number} has arrived in session ${current.id} instead of ${expected}`)
    current.broadcasts = number - current.first_broadcast + 1
  }

  #note(event: string): void {
    this.#trail.push(`${Math.round(performance.now())} ms: ${event}`)
    if (this.#trail.length > MAX_TRAIL) this.#trail.shift()
  }

  #flaw(problem: string): void {
    // The first ones say it all.
    if (this.#record.flaws.length >= 20) return
    this.#record.flaws.push(`${problem}\n    ${this.#trail.join('\n    ')}`)
    this.#note(`FLAW: ${problem}`)
  }
}
