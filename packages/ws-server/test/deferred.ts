/** A promise that a test settles. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>
  readonly resolve: (value: Value) => void
  readonly reject: (error: unknown) => void
}

/** Makes a promise to be settled later. */
export function deferred<Value = void>(): Deferred<Value> {
  let resolve!: (value: Value) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<Value>((settle, fail) => {
    resolve = settle
    reject = fail
  })
  return { promise, resolve, reject }
}

/** Settles when a signal is aborted. */
export function aborted(signal: {
  addEventListener(type: 'abort', listener: () => void): void
}): Promise<void> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve()))
}
