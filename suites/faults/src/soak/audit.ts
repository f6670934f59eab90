import type { ClientRecord } from './clients.js'
import type { ConnectionRecord } from './server_messages.js'

/** What became of the messages of all clients. */
export interface AuditResult {
  /** Messages that `send` accepted, in both directions. */
  accepted: number
  received: number
  /** Messages that `send` returned an error for. */
  rejected: number
  /** Messages lost with a connection whose close info reported that it did not end cleanly. */
  lost: number
  /** Messages that our side counted as unsent. */
  unsent: number
  /** Discrepancies without an explanation, as text. */
  readonly unexplained: string[]
}

/** Compares the records of both sides, after all clients have left. */
export function audit(
  clients: readonly { client: ClientRecord; is_clean: boolean }[],
  connections: readonly ConnectionRecord[],
): AuditResult {
  const result: AuditResult = {
    accepted: 0,
    received: 0,
    rejected: 0,
    lost: 0,
    unsent: 0,
    unexplained: [],
  }
  const by_client = new Map<number, ConnectionRecord[]>()
  for (const connection of connections) {
    const others = by_client.get(connection.client)
    if (others === undefined) by_client.set(connection.client, [connection])
    else others.push(connection)
  }
  for (const { client, is_clean } of clients) {
    const own = (by_client.get(client.id) ?? []).sort((a, b) => a.id - b.id)
    audit_sent(result, client, own, is_clean)
    audit_received(result, client, own)
  }
  return result
}

/** Audits the messages from a client to the server. */
function audit_sent(
  result: AuditResult,
  client: ClientRecord,
  connections: readonly ConnectionRecord[],
  is_clean: boolean,
): void {
  const fail = (problem: string): number => result.unexplained.push(`client ${client.id}: ${problem}`)
  let last = -1
  let received = 0
  for (const connection of connections) {
    if (connection.out_of_order > 0) fail(`${connection.out_of_order} messages out of order at the server`)
    if (connection.first === -1) continue
    if (connection.first <= last) fail(`message ${connection.first} arrived twice, or late`)
    received += connection.last - connection.first + 1
    last = connection.last
  }
  result.accepted += client.accepted
  result.received += received
  result.rejected += client.rejected
  result.unsent += client.unsent
  result.lost += client.accepted - received
  const end = connections.at(-1)
  const must_be_complete =
    is_clean && client.had_messages_to_send && end?.info?.cause === 'peer' && end.info.clean
  if (must_be_complete && last !== client.accepted - 1)
    fail(`left cleanly, but ${client.accepted - 1 - last} messages are missing`)
  const interruptions = connections.length + client.reconnects - 1
  if (interruptions === 0 && must_be_complete && received !== client.accepted)
    fail(`${client.accepted - received} messages are missing`)
  if (interruptions === 0 && received > 0 && connections.find(({ first }) => first !== -1)?.first !== 0)
    fail('its first messages are missing')
}

/** Audits the messages from the server to a client, connection by connection. */
function audit_received(
  result: AuditResult,
  client: ClientRecord,
  connections: readonly ConnectionRecord[],
): void {
  for (const [index, connection] of connections.entries()) {
    const fail = (problem: string): number =>
      result.unexplained.push(`client ${client.id}, connection ${connection.id}: ${problem}`)
    const received = client.connections.get(connection.id) ?? { count: 0, out_of_order: 0 }
    if (received.out_of_order > 0) fail(`${received.out_of_order} messages out of order at the client`)
    if (received.count > connection.accepted)
      fail(`${received.count} messages arrived, but only ${connection.accepted} were sent`)
    result.accepted += connection.accepted
    result.received += received.count
    result.rejected += connection.rejected
    result.unsent += connection.info?.unsent ?? 0
    result.lost += connection.accepted - received.count
    const is_left_by_client = client.is_leaving && index === connections.length - 1
    const must_be_complete =
      connection.is_closed_by_server && connection.info?.clean === true && !is_left_by_client
    if (must_be_complete && received.count !== connection.accepted)
      fail(`${connection.accepted - received.count} messages are missing`)
  }
}
