/** Counts the numbers that are sent, from 1 on, and which of them come back. */
export class Tally {
  readonly #back = new Set<number>()
  #sent = 0
  #twice = 0

  /** How many numbers were sent. */
  get sent(): number {
    return this.#sent
  }

  /** How many different numbers have come back. */
  get echoed(): number {
    return this.#back.size
  }

  /** How many numbers have not come back. */
  get missing(): number {
    return this.#sent - this.#back.size
  }

  /** How often a number came back that had come before. */
  get twice(): number {
    return this.#twice
  }

  /** Counts the next number as sent, and returns it. */
  next(): number {
    this.#sent += 1
    return this.#sent
  }

  /** Counts a number that has come back. */
  take(number: number): void {
    if (this.#back.has(number)) this.#twice += 1
    this.#back.add(number)
  }
}

/** How many connections a client has had, and how often its session went on. */
export interface Connections {
  readonly opened: number
  /** How often the session was recovered, and how often it was not; `undefined` without sessions. */
  readonly sessions?: { readonly recovered: number; readonly not_recovered: number } | undefined
}

/** Returns the result in one line: `sent 1,000, echoed 1,000, missing 0, twice 0, over 12 connections (…)`. */
export function summary(tally: Tally, { opened, sessions }: Connections): string {
  const { sent, echoed, missing, twice } = tally
  const counts = `sent ${text(sent)}, echoed ${text(echoed)}, missing ${text(missing)}, twice ${text(twice)}`
  const over = `over ${text(opened)} ${opened === 1 ? 'connection' : 'connections'}`
  return `${counts}, ${over}${sessions === undefined ? ' (no session)' : ` (${sessions_text(sessions)})`}`
}

function sessions_text({ recovered, not_recovered }: NonNullable<Connections['sessions']>): string {
  const lost = not_recovered === 0 ? '' : `, not recovered ${times(not_recovered)}`
  return `session recovered ${times(recovered)}${lost}`
}

function times(count: number): string {
  return `${text(count)} ${count === 1 ? 'time' : 'times'}`
}

const { format: text } = new Intl.NumberFormat('en')
