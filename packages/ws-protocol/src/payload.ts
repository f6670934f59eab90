import { describe_value, NetError } from './errors.js'

/** What `send` takes: text, or bytes, which are copied before `send` returns. */
export type Sendable = string | ArrayBuffer | ArrayBufferView

/** What arrives: always `string`, and `Uint8Array` too where the option `binary` is `true`. */
export type MessageData<Binary extends boolean> = Binary extends true ? string | Uint8Array : string

/**
 * Takes what a user hands to `send`, and sees any kind of bytes as a `Uint8Array`, without a copy.
 *
 * @throws NetError `invalid_argument` for anything that is neither text nor bytes
 */
export function as_payload(data: unknown): string | Uint8Array {
  if (typeof data === 'string') return data
  if (data instanceof Uint8Array) return data
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (is_array_buffer(data)) return new Uint8Array(data)
  throw new NetError(
    'invalid_argument',
    `send got ${describe_value(data)}: send a string, an ArrayBuffer or a view of one, such as JSON.stringify(data), or await data.arrayBuffer() of a Blob`,
  )
}

/** Also one of another realm, such as that of a frame or of a test runner. */
function is_array_buffer(data: unknown): data is ArrayBuffer {
  return Object.prototype.toString.call(data) === '[object ArrayBuffer]'
}
