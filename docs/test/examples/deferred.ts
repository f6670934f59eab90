/** A promise, and what settles it: what Node calls `Promise.withResolvers` from 22 on. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>
  readonly resolve: (value: Value) => void
}

/** Makes a promise that is settled from outside. */
export function defer<Value = void>(): Deferred<Value> {
  let resolve: ((value: Value) => void) | undefined
  const promise = new Promise<Value>(set => {
    resolve = set
  })
  return { promise, resolve: value => resolve?.(value) }
}
