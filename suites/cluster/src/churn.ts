import { setImmediate } from 'node:timers/promises'
import type { WsServer } from '@bt/net'

/**
 * Has the one socket of a server join and leave topics, and leave all of them halfway and at the end.
 *
 * @param times joins and leaves in all
 * @returns the bytes of the heap that are in use, without garbage: before, halfway and after
 */
export async function churn(server: WsServer, topics: number, times: number): Promise<number[]> {
  const [socket] = server.sockets
  const heap_bytes = [heap()]
  for (let half = 0; half < 2; half += 1) {
    for (let done = 0; done < times / 4; done += 1) {
      const topic = `t${done % topics}`
      socket?.join(topic)
      // A while later, so that it has been subscribed to as a rule.
      socket?.leave(`t${(done + topics / 2) % topics}`)
      if (done % 500 === 0) await setImmediate()
    }
    for (const topic of socket?.topics ?? []) socket?.leave(topic)
    // What is joined last stands when all before it has been done.
    await socket?.join('last')
    socket?.leave('last')
    await setImmediate()
    heap_bytes.push(heap())
  }
  return heap_bytes
}

function heap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
