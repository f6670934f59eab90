import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Collects all garbage, after the turn in which a new `WeakRef` keeps its object alive. */
export async function collect_garbage(): Promise<void> {
  await new Promise(setImmediate)
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}
