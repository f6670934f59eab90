import { describe_value, NetError } from '../errors/errors.js'

/** What can be sent: text, or bytes, which `send` copies before it returns. */
export type Sendable = string | ArrayBuffer | ArrayBufferView

/** What is received: a `string`, or with `binary: true` a `string` or a `Uint8Array`. */
export type MessageData<Binary extends boolean> = Binary extends true ? string | Uint8Array : string

/**
 * Checks what a user passes to `send`, or to another call that sends, and views any kind of bytes as a `Uint8Array`, without a copy.
 *
 * @throws NetError `invalid_argument` for anything that is neither text nor bytes, and for bytes whose buffer is gone
 */
export function as_payload(data: unknown, call = 'send'): string | Uint8Array {
  if (typeof data === 'string') return data
  if (data instanceof Uint8Array && data.length > 0) return data
  let advice = ': send a string, such as JSON.stringify(data), or bytes, such as await blob.arrayBuffer()'
  try {
    if (ArrayBuffer.isView(data)) {
      // A typed array whose buffer is gone looks empty, but most of its methods throw; a DataView throws when it is asked for its place.
      ;(data as Partial<Uint8Array>).keys?.()
      return data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    }
    // Also one of another realm, such as that of a frame or of a test runner.
    if (Object.prototype.toString.call(data) === '[object ArrayBuffer]')
      return new Uint8Array(data as ArrayBuffer)
  } catch {
    advice = ' whose buffer was transferred or has shrunk: send a copy'
  }
  throw new NetError('invalid_argument', `${call} got ${describe_value(data)}${advice}`)
}
