import { first_counted_index, make_schedule, type ScheduleTask } from '../schedule.js'
import { quantile } from '../statistics.js'
import type { Shape } from '../wire/message.js'
import type { ClientGroup, LoadResult } from './client_group.js'

/** Messages that are sent at a fixed rate, without waiting for earlier answers. */
export interface OpenLoopTask extends ScheduleTask {
  readonly shape: Shape
}

/** The response times, counted from when messages were due, not from when they were sent. */
export interface OpenLoopResult extends LoadResult {
  readonly p50_us: number
  readonly p99_us: number
  readonly p999_us: number
  /** The delay of the load itself, which is part of the response times. */
  readonly late_p99_us: number
}

/**
 * Sends messages on random connections by a schedule, even if earlier ones are not answered yet. The answers
 * on a connection are in order, so counting bytes identifies the answered message.
 */
export function run_open_loop(
  group: ClientGroup,
  task: OpenLoopTask,
  answer_bytes: number,
): Promise<OpenLoopResult> {
  const request = group.request(task.shape)
  const { sockets } = group
  const { due_ms, choice: connection } = make_schedule(task, sockets.length)
  const count = due_ms.length
  const took_us = new Float64Array(count)
  const late_us = new Float64Array(count)
  const unanswered: Uint32Array[] = messages_by_connection(connection, sockets.length)
  return new Promise((resolve, reject) => {
    let sent = 0
    let answered = 0
    let is_lost = false
    const start = performance.now()
    for (const [index, socket] of sockets.entries()) {
      const mine = unanswered[index] as Uint32Array
      let bytes = 0
      let next = 0
      socket.on_bytes = ({ length }) => {
        // After the last answer, only a Close frame arrives.
        if (answered === count) return
        bytes += length
        const now = performance.now() - start
        for (; bytes >= answer_bytes; bytes -= answer_bytes) {
          const message = mine[next++] as number
          took_us[message] = (now - (due_ms[message] as number)) * 1000
          answered += 1
        }
        if (answered === count) resolve(result_of(task, due_ms, took_us, late_us, now))
      }
      void socket.closed.then(() => {
        is_lost = true
        reject(new Error('a connection was closed during the open loop'))
      })
    }
    // Timers have a resolution of a millisecond, and this core has nothing else to do, so this polls the
    // clock.
    const send_due_messages = (): void => {
      let now = performance.now() - start
      while (sent < count && (due_ms[sent] as number) <= now) {
        sockets[connection[sent] as number]?.tcp.write(request)
        late_us[sent] = (now - (due_ms[sent] as number)) * 1000
        sent += 1
        now = performance.now() - start
      }
      if (answered < count && !is_lost) setImmediate(send_due_messages)
    }
    send_due_messages()
  })
}

function messages_by_connection(connection: Uint32Array, connections: number): Uint32Array[] {
  const lists: number[][] = Array.from({ length: connections }, () => [])
  for (const [message, index] of connection.entries()) lists[index]?.push(message)
  return lists.map(list => Uint32Array.from(list))
}

function result_of(
  { settle_ms }: OpenLoopTask,
  due_ms: Float64Array,
  took_us: Float64Array,
  late_us: Float64Array,
  elapsed_ms: number,
): OpenLoopResult {
  const first = first_counted_index({ due_ms }, settle_ms)
  const took = took_us.subarray(first).sort()
  return {
    messages: due_ms.length,
    elapsed_ms,
    p50_us: quantile(took, 0.5),
    p99_us: quantile(took, 0.99),
    p999_us: quantile(took, 0.999),
    late_p99_us: quantile(late_us.subarray(first).sort(), 0.99),
  }
}
