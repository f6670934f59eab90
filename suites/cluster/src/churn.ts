import { setImmediate } from 'node:timers/promises'
import type { WsServer } from '@bt/net'

/**
 * Makes a server's only socket join and leave topics, and leave all of them after each quarter.
 *
 * @param times joins and leaves in all
 * @returns the bytes of the heap in use after garbage collection: before, and after each quarter
 */
export async function churn(server: WsServer, topics: number, times: number): Promise<number[]> {
  const [socket] = server.sockets
  const heap_bytes = [used_heap_bytes()]
  for (let quarter = 0; quarter < 4; quarter += 1) {
    for (let done = 0; done < times / 8; done += 1) {
      const topic = `t${done % topics}`
      socket?.join(topic)
      // Half a round behind the join, so that the subscription usually exists by then.
      socket?.leave(`t${(done + topics / 2) % topics}`)
      if (done % 500 === 0) await setImmediate()
    }
    for (const topic of socket?.topics ?? []) socket?.leave(topic)
    // The broker handles requests in order: once this join settles, all earlier ones are done.
    await socket?.join('last')
    socket?.leave('last')
    await setImmediate()
    heap_bytes.push(used_heap_bytes())
  }
  return heap_bytes
}

/**
 * Returns by how much the heap grew in the quarter after the first in which it grew least, in bytes. A leak
 * grows in each; compiled code and tables of V8 grow now and then.
 */
export function leaked_bytes(heap_bytes: readonly number[]): number {
  const growth = heap_bytes.slice(2).map((bytes, index) => bytes - (heap_bytes[index + 1] as number))
  return Math.min(...growth)
}

function used_heap_bytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
