import { NetError } from '@bt/ws-protocol'
import type { ClusterPort } from '@bt/ws-protocol/broker'
import { describe_cause, describe_count } from '@bt/ws-protocol/internal'

/** The broker can't be reached, or was lost: `problem` says which. */
export function broker_away({ broker }: ClusterPort, problem: string, cause: Error): NetError {
  const message = `${broker} ${problem}. Sockets of this server are served meanwhile, and what is published for others waits; it is tried again`
  return new NetError('cluster_unavailable', message, { cause })
}

/** What the broker was asked for is not for this user. */
export function not_allowed({ broker, prefix }: ClusterPort, cause: Error): NetError {
  const message = `${broker} refused: ${describe_cause(cause)}; allow this user to publish and subscribe to ${prefix}.*`
  return new NetError('permission_denied', message, { cause })
}

/** A socket has joined a topic while the broker was away. */
export function join_unavailable({ broker }: ClusterPort, outage: NetError | undefined): NetError {
  const message = `join found ${broker} away: the socket is in the topic, and hears of what other servers publish when the broker is back`
  return new NetError('cluster_unavailable', message, { cause: outage })
}

/** As much waits for the broker as may. */
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

/** A message is larger than the broker takes. */
export function too_large(
  { broker }: ClusterPort,
  call: string,
  frame_bytes: number,
  most_bytes: number,
): NetError {
  const message = `${call} got a message of ${frame_bytes} bytes with its header, more than the ${most_bytes} that ${broker} takes; send smaller pieces, or raise its limit`
  return new NetError('too_large', message)
}

/** What came was written by no server that this one understands. */
export function unreadable(channel: string, size_bytes: number): NetError {
  const message = `${describe_count(size_bytes, 'byte')} on the channel ${channel} are from no server of this version: they were dropped, as is whatever follows of that kind; give each version, and whatever else publishes there, a prefix of its own`
  return new NetError('protocol_error', message)
}

/** Text came that a client would fail its connection for. */
export function not_text(channel: string): NetError {
  const message = `a message on the channel ${channel} is text that is not UTF-8: it was dropped, as is whatever follows of that kind; let nothing but servers of this version publish there`
  return new NetError('invalid_utf8', message)
}

/** The server has left the others. */
export function has_left(call: string): NetError {
  return new NetError('closed', `${call} found the server closed: it has left the other servers`)
}

/** The server has left, and not everything has gone out. */
export function left_behind({ broker }: ClusterPort, under_way: number, dropped: number): NetError {
  const message = `the server closed, and ${describe_count(dropped, 'message')} for other servers never went out; ${under_way} more had gone to ${broker}, and may not have arrived`
  return new NetError('cluster_unavailable', message)
}
