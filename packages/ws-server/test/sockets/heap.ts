import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** Collects all garbage. */
export const collect_garbage: () => void = runInNewContext('gc')

/** Bytes of the heap that are in use, when all garbage is gone. */
export function heap_bytes(): number {
  collect_garbage()
  collect_garbage()
  return process.memoryUsage().heapUsed
}
