import {
  type ClientRecord,
  count_numbers,
  numbers_of,
  type ReceivedSession,
  type ServerRecord,
  type SessionRecord,
} from './ledger.js'
import { is_empty_number } from './numbered_message.js'

/** What became of the messages of all clients and servers. */
export interface SessionFigures {
  cuts: number
  /** Messages of both directions that were handled. */
  handled: number
  /** How often a session went on, and how often a client got a new one instead. */
  recovered: number
  not_recovered: number
  /** Messages of clients whose handling is unknown, as they were informed. */
  in_doubt: number
  /** Messages of servers that the session ended without, and the most that `info.unsent` has reported. */
  not_delivered: number
  unsent: number
  /** The times from cuts until the session went on, in milliseconds, in ascending order. */
  readonly recovery_ms: number[]
  /** What has no explanation. */
  readonly unexplained: string[]
}

/** Explains every message: it was handled once and in order, or its session has ended without recovery. */
export function audit(
  clients: readonly { readonly record: ClientRecord; readonly cuts_ms: readonly number[] }[],
  servers: readonly ServerRecord[],
): SessionFigures {
  const sessions = servers.flatMap(server => server.sessions)
  const figures: SessionFigures = {
    cuts: 0,
    handled: 0,
    recovered: 0,
    not_recovered: 0,
    in_doubt: 0,
    not_delivered: 0,
    unsent: 0,
    recovery_ms: [],
    unexplained: [],
  }
  for (const { record, cuts_ms } of clients) {
    const own = sessions.filter(({ client }) => client === record.id)
    figures.cuts += cuts_ms.length
    count_opens(figures, record, cuts_ms)
    figures.unexplained.push(
      ...[
        ...record.flaws,
        ...problems_of_client(record),
        ...problems_to_server(record, own),
        ...problems_of_greetings(record, own),
        ...problems_to_client(figures, record, own),
      ].map(problem => `client ${record.id}: ${problem}`),
      ...own.flatMap(({ id, flaws }) => flaws.map(flaw => `session ${id} of client ${record.id}: ${flaw}`)),
    )
  }
  for (const { flaws } of servers) figures.unexplained.push(...flaws.map(flaw => `server: ${flaw}`))
  figures.recovery_ms.sort((a, b) => a - b)
  return figures
}

function count_opens(figures: SessionFigures, record: ClientRecord, cuts_ms: readonly number[]): void {
  let index = 0
  for (const [opens, { at_ms, recovered, in_doubt }] of record.opens.entries()) {
    if (recovered) figures.recovered += 1
    else if (opens > 0) figures.not_recovered += 1
    figures.in_doubt += in_doubt
    const first = cuts_ms[index]
    while ((cuts_ms[index] ?? Number.POSITIVE_INFINITY) <= at_ms) index += 1
    if (recovered && first !== undefined && first <= at_ms) figures.recovery_ms.push(at_ms - first)
  }
}

function problems_of_client({ info, opens, ...record }: ClientRecord): string[] {
  const problems: string[] = []
  const reported =
    count_numbers(record.in_doubt) + count_numbers(record.greetings_in_doubt) + record.unnumbered_in_doubt
  if (info === undefined) problems.push('it has not closed')
  // What `on_unacknowledged` gets counts as unsent, and there must be nothing else.
  else if (!info.clean || info.unsent !== reported)
    problems.push(`it has not closed in order, with ${reported} in doubt: ${JSON.stringify(info)}`)
  if (record.unacknowledged === 'report') {
    const announced = opens.reduce((sum, open) => sum + open.in_doubt, 0)
    if (announced !== reported) problems.push(`${announced} in doubt, but on_unacknowledged got ${reported}`)
  }
  return problems
}

/** Checks the messages from a client to the server. */
function problems_to_server(record: ClientRecord, sessions: readonly SessionRecord[]): string[] {
  const problems: string[] = []
  const times = new Uint8Array(record.sent)
  for (const { id, handled } of sessions) {
    if (handled.length > 1)
      problems.push(`the messages of session ${id} have gaps: ${JSON.stringify(handled)}`)
    for (const number of numbers_of(handled)) times[number] = (times[number] ?? 0) + 1
  }
  const in_doubt = new Set(numbers_of(record.in_doubt))
  const is_reporting = record.unacknowledged === 'report'
  let missing_empty = 0
  let again = 0
  for (const [number, count] of times.entries()) {
    if (count === 0 && is_empty_number(number) && !in_doubt.has(number)) missing_empty += 1
    else if (count === 0 && !in_doubt.has(number)) problems.push(`${number} is lost`)
    again += Math.max(count - 1, 0)
    if (count > 1 && is_reporting) problems.push(`${number} was handled ${count} times`)
  }
  const unnumbered = sessions.filter(({ has_unnumbered }) => has_unnumbered).length
  if (missing_empty > record.unnumbered_in_doubt + unnumbered)
    problems.push(
      `${missing_empty} empty messages are lost, ${record.unnumbered_in_doubt} in doubt, ${unnumbered} handled alone`,
    )
  const resent = record.opens.reduce((sum, open) => sum + open.in_doubt, 0)
  if (again > resent)
    problems.push(`${again} messages were handled again, though only ${resent} were in doubt`)
  return problems.slice(0, 20)
}

/**
 * Checks what a client has sent in `on_open`, but not its order: the greeting of the latest opening goes ahead of the
 * queue, and those of earlier openings, whose callbacks run late, are in the queue.
 */
function problems_of_greetings(record: ClientRecord, sessions: readonly SessionRecord[]): string[] {
  const problems: string[] = []
  const in_doubt = new Set(numbers_of(record.greetings_in_doubt))
  const times = new Map<number, number>()
  for (const { greetings } of sessions)
    for (const number of numbers_of(greetings)) times.set(number, (times.get(number) ?? 0) + 1)
  for (let number = 0; number < record.greetings; number += 1) {
    const count = times.get(number) ?? 0
    if (count === 0 && !in_doubt.has(number)) problems.push(`greeting ${number} is lost`)
    if (count > 1 && record.unacknowledged === 'report')
      problems.push(`greeting ${number} was handled ${count} times`)
  }
  return problems
}

/** Checks the messages from the server to a client, session by session. */
function problems_to_client(
  figures: SessionFigures,
  record: ClientRecord,
  sessions: readonly SessionRecord[],
): string[] {
  const problems: string[] = []
  for (const session of sessions) {
    const received = record.sessions.find(({ id }) => id === session.id) ?? NOTHING
    const missing = session.direct - received.direct + session.broadcasts - received.broadcasts
    figures.handled += received.direct + received.broadcasts
    figures.handled += count_numbers(session.handled) + count_numbers(session.greetings)
    figures.not_delivered += missing
    const { info } = session
    if (info === undefined) {
      problems.push(`session ${session.id} has not ended`)
      continue
    }
    figures.unsent += info.unsent
    if (received.direct > session.direct || received.broadcasts > session.broadcasts)
      problems.push(`session ${session.id} has more messages than were sent`)
    if ((received.first_broadcast ?? session.first_broadcast) !== session.first_broadcast)
      problems.push(`the first broadcast of session ${session.id} is ${received.first_broadcast}`)
    // The broadcast that has closed it was not taken.
    const not_taken = info.cause === 'overflow' ? 1 : 0
    if (missing > info.unsent + not_taken)
      problems.push(
        `${missing} messages of session ${session.id} are lost, of which only ${info.unsent} count as unsent: ${JSON.stringify({ session, received })}`,
      )
  }
  for (const { id } of record.sessions)
    if (sessions.every(session => session.id !== id)) problems.push(`no server knows of session ${id}`)
  return problems
}

const NOTHING: ReceivedSession = { id: '', direct: 0, first_broadcast: undefined, broadcasts: 0 }

/** Returns the figures in one line. */
export function figures_line(name: string, seed: number, figures: SessionFigures): string {
  const { recovery_ms, unexplained, ...counts } = figures
  const part = (share: number): number =>
    Math.round(recovery_ms[Math.min(Math.floor(share * recovery_ms.length), recovery_ms.length - 1)] ?? 0)
  return `sessions ${JSON.stringify({
    name,
    seed,
    ...counts,
    recovery_p50_ms: part(0.5),
    recovery_p99_ms: part(0.99),
    unexplained: unexplained.length,
  })}`
}
