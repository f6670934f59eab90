/** What a message takes beside its payload, as measured: a string, or a buffer of its own with the objects around it. */
const TEXT_BYTES = 64
const BUFFER_BYTES = 448

/** Returns about how many bytes of memory a message takes that was `payload_bytes` long on the wire. */
export function memory_of(data: string | Uint8Array, payload_bytes: number): number {
  if (typeof data !== 'string') return payload_bytes + BUFFER_BYTES
  // Text that is not ASCII may be held in two bytes for each UTF-16 unit.
  return data.length * (data.length < payload_bytes ? 2 : 1) + TEXT_BYTES
}
