import type { Account } from '@bt/test-support/conversation'
import type { ClientName, TalkerEvent } from './trouble_messages.js'

/** When a connection was dead, and when the client could connect again. */
export interface Span {
  readonly dead_ms: number
  readonly can_connect_ms: number
}

/** What a client did about trouble. Times are in milliseconds. */
export interface Outcome {
  readonly trouble: string
  readonly client: ClientName
  /** How long it took to notice that the connection was dead; `undefined` if it survived. */
  readonly noticed_ms: number | undefined
  /** The cause and the close code that it reported. */
  readonly ended_by: string
  /** From when it could connect until it was open. */
  readonly open_ms: number | undefined
  /** From when it had noticed, and could connect, until it was open. */
  readonly waited_ms: number | undefined
  /** From when it could connect until the next message arrived. */
  readonly message_ms: number
  /** How many attempts failed, or were refused. */
  readonly failed: number
}

/** Finds in the events of a client what it did about trouble. */
export function outcome_of(
  trouble: string,
  client: ClientName,
  all: readonly TalkerEvent[],
  { dead_ms, can_connect_ms }: Span,
): Outcome {
  const events = all.filter(is_timed).filter(({ at_ms }) => at_ms >= dead_ms)
  const lost = events.find(event => event.event === 'lost')
  // In a page, a refused handshake opens, too, and is closed at once.
  const open = lost && events.filter(({ event }) => event === 'open').at(-1)
  const from_ms = open?.at_ms ?? can_connect_ms
  const message = events.find(({ event, at_ms }) => event === 'message' && at_ms >= from_ms)
  return {
    trouble,
    client,
    noticed_ms: lost && lost.at_ms - dead_ms,
    ended_by: lost === undefined ? '' : `${lost.cause}, ${lost.code}`,
    open_ms: open && open.at_ms - can_connect_ms,
    waited_ms: open && open.at_ms - Math.max(lost.at_ms, can_connect_ms),
    message_ms: (message?.at_ms ?? Number.NaN) - can_connect_ms,
    failed: events.filter(event => event.event === 'failed' || (event.event === 'lost' && event !== lost))
      .length,
  }
}

function is_timed(event: TalkerEvent): event is Exclude<TalkerEvent, { readonly event: 'record' }> {
  return event.event !== 'record'
}

/** Returns outcomes as a table in Markdown. */
export function outcomes_table(outcomes: readonly Outcome[]): string {
  const seconds = (ms: number | undefined): string => (ms === undefined ? '' : `${(ms / 1_000).toFixed(2)} s`)
  return table(
    [
      'trouble',
      'client',
      'dead → noticed',
      'as',
      'can connect → open',
      'can connect → next message',
      'failed attempts',
    ],
    outcomes.map(({ trouble, client, noticed_ms, ended_by, open_ms, message_ms, failed }) => [
      trouble,
      client,
      noticed_ms === undefined ? 'survived' : seconds(noticed_ms),
      ended_by,
      seconds(open_ms),
      seconds(message_ms),
      failed,
    ]),
  )
}

/** Returns what became of all messages as a table in Markdown. */
export function accounts_table(accounts: readonly (Account & { readonly name: string })[]): string {
  return table(
    [
      'messages',
      'accepted',
      'delivered',
      'lost, counted by `unsent`',
      'lost on the way',
      'delivered, not acknowledged',
      'twice',
      'out of order',
      'unexplained',
    ],
    accounts.map(account => [
      account.name,
      account.accepted,
      account.delivered,
      account.lost_unsent,
      account.lost_on_the_way,
      account.delivered_in_doubt,
      account.delivered_twice,
      account.out_of_order,
      account.unexplained.length,
    ]),
  )
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}
