import { quantile } from '../statistics.js'
import type { Shape } from '../wire/message.js'
import type { ClientGroup, LoadResult } from './client_group.js'

/** Messages that one client sends at regular intervals, without waiting for earlier answers. */
export interface ProbeTask {
  readonly shape: Shape
  readonly every_ms: number
  readonly run_ms: number
}

/** The response times. */
export interface ProbeResult extends LoadResult {
  readonly p50_ms: number
  readonly p99_ms: number
  readonly worst_ms: number
  /** How many messages were not answered. */
  readonly unanswered: number
}

/** How long to wait for the last answers. */
const ANSWER_TIMEOUT_MS = 1_000

/**
 * Sends on the first connection of a group, by a timer, so that others can use this core in between. A
 * response time counts from when the message was sent, because delays of this process are not those of the
 * server. A message that is not answered within a second after the last one was sent counts as answered then.
 */
export function run_probe(
  group: ClientGroup,
  { shape, every_ms, run_ms }: ProbeTask,
  answer_bytes: number,
): Promise<ProbeResult> {
  const [socket] = group.sockets
  if (socket === undefined) throw new Error('no connection is open to send on')
  const request = group.request(shape)
  const sent_ms: number[] = []
  const took_ms: number[] = []
  return new Promise((resolve, reject) => {
    const start = performance.now()
    let bytes = 0
    let is_over = false
    const send = (): void => {
      sent_ms.push(performance.now())
      socket.tcp.write(request)
    }
    socket.on_bytes = ({ length }) => {
      const now = performance.now()
      for (bytes += length; bytes >= answer_bytes; bytes -= answer_bytes)
        took_ms.push(now - (sent_ms[took_ms.length] as number))
      if (is_over && took_ms.length === sent_ms.length) resolve(result_of(took_ms, now - start, 0))
    }
    const resolve_unanswered = (): void => {
      const now = performance.now()
      const unanswered_ms = sent_ms.slice(took_ms.length).map(at => now - at)
      resolve(result_of([...took_ms, ...unanswered_ms], now - start, unanswered_ms.length))
    }
    const timer = setInterval(() => {
      is_over = performance.now() - start >= run_ms
      send()
      if (!is_over) return
      clearInterval(timer)
      setTimeout(resolve_unanswered, ANSWER_TIMEOUT_MS).unref()
    }, every_ms)
    void socket.closed.then(() => {
      clearInterval(timer)
      reject(new Error('the connection of an honest client was closed'))
    })
  })
}

function result_of(took_ms: readonly number[], elapsed_ms: number, unanswered: number): ProbeResult {
  const sorted = Float64Array.from(took_ms).sort()
  return {
    messages: sorted.length,
    elapsed_ms,
    p50_ms: quantile(sorted, 0.5),
    p99_ms: quantile(sorted, 0.99),
    worst_ms: quantile(sorted, 1),
    unanswered,
  }
}
