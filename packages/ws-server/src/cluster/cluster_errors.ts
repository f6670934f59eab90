import { NetError } from '@bt/ws-protocol'
import type { ClusterPort } from '@bt/ws-protocol/broker'
import { describe_cause, describe_count } from '@bt/ws-protocol/internal'

/** The error for a broker that can't be reached, or was lost, as `problem` says. */
export function broker_unavailable({ broker }: ClusterPort, problem: string, cause: Error): NetError {
  const message = `${broker} ${problem}. Sockets of this server are served meanwhile, and what is published for others waits; it is tried again`
  return new NetError('cluster_unavailable', message, { cause })
}

/** The error for an action that the broker does not allow this user. */
export function permission_denied({ broker, prefix }: ClusterPort, cause: Error): NetError {
  const message = `${broker} refused: ${describe_cause(cause)}; allow this user to publish and subscribe to ${prefix}.*`
  return new NetError('permission_denied', message, { cause })
}

/** The error for joining a topic while the broker is unavailable. */
export function join_unavailable({ broker }: ClusterPort, outage: NetError | undefined): NetError {
  const message = `join found ${broker} away: the socket is in the topic, and hears of what other servers publish when the broker is back`
  return new NetError('cluster_unavailable', message, { cause: outage })
}

/** The error for a message that does not fit into `max_cluster_queue`. */
export function queue_full(
  { broker }: ClusterPort,
  call: string,
  queued_bytes: number,
  max_cluster_queue: number,
  outage: NetError | undefined,
): NetError {
  const message = `${call} found ${queued_bytes} bytes waiting for ${broker}, as many as max_cluster_queue (${max_cluster_queue}) allows: the message went to no other server`
  return new NetError('cluster_unavailable', message, { cause: outage })
}

/** The error for a message that exceeds the limit of the broker. */
export function too_large(
  { broker }: ClusterPort,
  call: string,
  frame_bytes: number,
  max_bytes: number,
): NetError {
  const message = `${call} got a message of ${frame_bytes} bytes with its header, more than the ${max_bytes} that ${broker} takes; send smaller pieces, or raise its limit`
  return new NetError('too_large', message)
}

/** The error for bytes that no server of this version can have written. */
export function unreadable_bytes(channel: string, size_bytes: number): NetError {
  const message = `${describe_count(size_bytes, 'byte')} on the channel ${channel} are from no server of this version: they were dropped, as is whatever follows of that kind; give each version, and whatever else publishes there, a prefix of its own`
  return new NetError('protocol_error', message)
}

/** The error for text that is not UTF-8, for which a client would fail its connection (RFC 6455 §8.1). */
export function invalid_text(channel: string): NetError {
  const message = `a message on the channel ${channel} is text that is not UTF-8: it was dropped, as is whatever follows of that kind; let nothing but servers of this version publish there`
  return new NetError('invalid_utf8', message)
}

/** The error for using the cluster after the server has left it. */
export function left_cluster(call: string): NetError {
  return new NetError('closed', `${call} found the server closed: it has left the other servers`)
}

/** The error for messages that were not sent, or not confirmed, before the server left. */
export function unsent_messages({ broker }: ClusterPort, unconfirmed: number, dropped: number): NetError {
  const message = `the server closed, and ${describe_count(dropped, 'message')} for other servers never went out; ${unconfirmed} more had gone to ${broker}, and may not have arrived`
  return new NetError('cluster_unavailable', message)
}
