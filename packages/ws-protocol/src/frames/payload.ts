import { describe_value, NetError } from '../errors/errors.js'

/** A message to send: text, or bytes, which `send` copies before it returns. */
export type Sendable = string | ArrayBuffer | ArrayBufferView

/** A received message: a `string`, or with `binary: true` a `string` or a `Uint8Array`. */
export type MessageData<Binary extends boolean> = Binary extends true ? string | Uint8Array : string

/**
 * Checks the argument of `send`, or of another `call` that sends, and returns any kind of bytes as a
 * `Uint8Array` without copying them.
 *
 * @throws NetError `invalid_argument` for anything that is neither text nor bytes, and for bytes whose buffer
 * is detached
 */
export function as_payload(data: unknown, call = 'send'): string | Uint8Array {
  if (typeof data === 'string') return data
  if (data instanceof Uint8Array && data.length > 0) return data
  let advice = ': send a string, such as JSON.stringify(data), or bytes, such as await blob.arrayBuffer()'
  try {
    if (ArrayBuffer.isView(data)) {
      // A typed array with a detached buffer looks empty, but most of its methods throw; a DataView throws on
      // reading its offset.
      ;(data as Partial<Uint8Array>).keys?.()
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    }
    // This also accepts buffers of another realm, such as an iframe or a test runner.
    if (Object.prototype.toString.call(data) === '[object ArrayBuffer]')
      return new Uint8Array(data as ArrayBuffer)
  } catch {
    advice = ' whose buffer was transferred or has shrunk: send a copy'
  }
  throw new NetError('invalid_argument', `${call} got ${describe_value(data)}${advice}`)
}
