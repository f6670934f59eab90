import { describe_value, NetError } from './errors.js'

/** What can be sent: text, or bytes, which `send` copies before it returns. */
export type Sendable = string | ArrayBuffer | ArrayBufferView

/** What is received: a `string`, or with `binary: true` a `string` or a `Uint8Array`. */
export type MessageData<Binary extends boolean> = Binary extends true ? string | Uint8Array : string

/**
 * Checks what a user passes to `send`, or to another call that sends, and views any kind of bytes as a `Uint8Array`, without a copy.
 *
 * @throws NetError `invalid_argument` for anything that is neither text nor bytes
 */
export function as_payload(data: unknown, call = 'send'): string | Uint8Array {
  if (typeof data === 'string') return data
  if (data instanceof Uint8Array) return data
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (is_array_buffer(data)) return new Uint8Array(data)
  throw new NetError(
    'invalid_argument',
    `${call} got ${describe_value(data)}: send a string, an ArrayBuffer or a view of one, such as JSON.stringify(data), or await data.arrayBuffer() of a Blob`,
  )
}

/** Also one of another realm, such as that of a frame or of a test runner. */
function is_array_buffer(data: unknown): data is ArrayBuffer {
  return Object.prototype.toString.call(data) === '[object ArrayBuffer]'
}
