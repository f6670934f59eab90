/** Cuts bytes into segments of these sizes, again and again from the first one. */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const segments: Uint8Array[] = []
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = Math.max(1, sizes[index % sizes.length] ?? bytes.length)
    segments.push(bytes.subarray(at, at + size))
    at += size
  }
  return segments
}
