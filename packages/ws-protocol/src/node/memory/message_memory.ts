/** The measured overhead of a message: of a string, and of a buffer of its own with the objects around it. */
const TEXT_BYTES = 64
const BUFFER_BYTES = 448

/** Returns the approximate memory of a message that was `payload_bytes` long on the wire. */
export function message_memory_bytes(data: string | Uint8Array, payload_bytes: number): number {
  if (typeof data !== 'string') return payload_bytes + BUFFER_BYTES
  // V8 may hold text that is not ASCII in two bytes for each UTF-16 unit.
  return data.length * (data.length < payload_bytes ? 2 : 1) + TEXT_BYTES
}
