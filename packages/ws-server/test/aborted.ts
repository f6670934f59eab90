/** Settles when a signal is aborted. */
export function aborted(signal: {
  addEventListener(type: 'abort', listener: () => void): void
}): Promise<void> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve()))
}
