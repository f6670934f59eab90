import type { CloseInfo, NetError, NetErrorCode } from '@bt/net'
import { empty_number_up_to, type NumberedMessage } from './numbered_message.js'

/** Consecutive numbers. */
export type Run = [first: number, last: number]

/** What a client reports about its messages. */
export interface ClientRecord {
  readonly id: string
  readonly unacknowledged: 'report' | 'resend'
  /** How many messages `send` has accepted: these are the numbers below. */
  sent: number
  /** How many greetings `send` has accepted in `on_open`. */
  greetings: number
  /** The numbers of the messages that `on_unacknowledged` got, and those of greetings among them. */
  readonly in_doubt: Run[]
  readonly greetings_in_doubt: Run[]
  /** How many messages it got whose number is unknown, because it got nothing but one empty message. */
  unnumbered_in_doubt: number
  /** All below this number were handled by the server, or in doubt before, says `acknowledged`. */
  acknowledged_below: number
  readonly opens: ClientOpen[]
  /** What it has handled, session by session, in order. */
  readonly sessions: ReceivedSession[]
  info: CloseInfo | undefined
  readonly flaws: string[]
}

/** An `on_open` of a client. */
export interface ClientOpen {
  readonly at_ms: number
  readonly recovered: boolean
  readonly in_doubt: number
}

/** What a client has handled of one session: the first messages of the server, and broadcasts from some number on. */
export interface ReceivedSession {
  readonly id: string
  direct: number
  first_broadcast: number | undefined
  broadcasts: number
}

/** What a server reports about one session. */
export interface SessionRecord {
  readonly id: string
  readonly client: string
  /** The numbers of the messages that it has handled, in order, and those of greetings. */
  readonly handled: Run[]
  readonly greetings: Run[]
  /** Whether it has handled an empty message alone, whose number is unknown. */
  has_unnumbered: boolean
  /** How many messages to this client alone `send` has accepted. */
  direct: number
  /** The number of the first broadcast of this session, and how many there were. */
  readonly first_broadcast: number
  broadcasts: number
  times_away: number
  info: CloseInfo | undefined
  readonly flaws: string[]
}

/** What a server reports about all of its sessions. */
export interface ServerRecord {
  readonly sessions: readonly SessionRecord[]
  readonly flaws: readonly string[]
}

/** Errors that no lost connection explains. */
const IMPOSSIBLE: readonly NetErrorCode[] = [
  ...(['protocol_error', 'invalid_utf8', 'message_too_large', 'too_many_fragments'] as const),
  ...(['too_many_pings', 'unexpected_binary', 'inbox_overflow', 'inbox_shed'] as const),
]

/** Whether an error must not happen, whatever happens to connections. */
export function is_impossible({ code }: NetError): boolean {
  return IMPOSSIBLE.includes(code)
}

/** Adds a number at the end. */
export function add_number(runs: Run[], number: number): void {
  const run = runs.at(-1)
  if (run !== undefined && run[1] === number - 1) run[1] = number
  else runs.push([number, number])
}

/** Returns how many numbers there are. */
export function count_numbers(runs: readonly Run[]): number {
  return runs.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}

/** Returns each number. */
export function* numbers_of(runs: readonly Run[]): Generator<number> {
  for (const [first, last] of runs) for (let number = first; number <= last; number += 1) yield number
}

/** Numbers the messages of one client that reach a session, empty ones too. */
export class Counter {
  readonly #runs: Run[]
  #is_empty_first = false

  /** Adds the numbers to `runs`. */
  constructor(runs: Run[]) {
    this.#runs = runs
  }

  /** Whether the session has begun with an empty message, whose number only the next one shows. */
  get is_empty_first(): boolean {
    return this.#is_empty_first
  }

  /** Counts a message. Returns what is wrong with its place, if anything. */
  count(message: NumberedMessage | 'empty'): string | undefined {
    const last = this.#runs.at(-1)?.[1]
    if (message === 'empty') {
      if (last === undefined) {
        if (this.#is_empty_first) return 'two empty messages have arrived one after the other'
        this.#is_empty_first = true
        return undefined
      }
      // A session whose numbers have a gap has begun with them, so that this is the next one.
      if (empty_number_up_to(last + 1) !== last + 1) return `an empty message has arrived after ${last}`
      add_number(this.#runs, last + 1)
      return undefined
    }
    const { number } = message
    if (this.#is_empty_first) {
      this.#is_empty_first = false
      add_number(this.#runs, empty_number_up_to(number - 1))
    }
    const before = this.#runs.at(-1)?.[1] ?? -1
    add_number(this.#runs, number)
    return number > before ? undefined : `${number} has arrived after ${before}`
  }
}
