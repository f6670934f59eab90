import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Waits for the next turn, until whose begin a `WeakRef` that was just made keeps its object, and collects all garbage. */
export async function collect_garbage(): Promise<void> {
  await new Promise(setImmediate)
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}
