import type { CompressionOptions } from '../../options/options.js'

/** What a wire goes by; the options of the same names. */
export interface WireOptions {
  /** The largest message that is taken, in bytes. */
  readonly max_payload: number
  /** The most fragments that a message may come in. */
  readonly max_fragments: number
  /** Whether to compress, and how. */
  readonly compression: boolean | CompressionOptions
}

const DEFAULT_THRESHOLD_BYTES = 1_024
const DEFAULT_LEVEL = 6

/** The smallest message that is compressed, in bytes. */
export function compression_threshold(compression: boolean | CompressionOptions): number {
  return (typeof compression === 'object' ? compression.threshold : undefined) ?? DEFAULT_THRESHOLD_BYTES
}

/** How hard to compress, from 1 to 9 (zlib's levels). */
export function compression_level(compression: boolean | CompressionOptions): number {
  return (typeof compression === 'object' ? compression.level : undefined) ?? DEFAULT_LEVEL
}
