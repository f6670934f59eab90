/**
 * What is used of the WebSocket of React Native. It differs from the standard one: it takes headers, has no
 * `bufferedAmount`, does not say whether it closed cleanly, and gives the reason of a failure as the `reason`
 * of a close with 1006, or in older versions as the `message` of the error.
 */
export interface ReactNativeSocket {
  binaryType?: string
  readonly readyState: number
  /** Missing until the socket is open. */
  readonly protocol?: string | null | undefined
  onopen: (() => void) | null
  onmessage: ((event: { readonly data: string | ArrayBuffer }) => void) | null
  onerror: ((event: { readonly message?: string }) => void) | null
  onclose: ((event: { readonly code?: number; readonly reason?: string | null }) => void) | null
  send(data: string | Uint8Array): void
  close(code?: number, reason?: string): void
}
