import type { CompressionOptions } from '../../options/options.js'
import type { ReadRates } from './read_limit.js'

/** The options of a wire; they have the same names for users. */
export interface WireOptions extends ReadRates {
  /** The largest message to accept, in bytes. */
  readonly max_payload: number
  /** The largest number of fragments to accept in one message. */
  readonly max_fragments: number
  /** Whether to compress, and how. */
  readonly compression: boolean | CompressionOptions
}

const DEFAULT_THRESHOLD_BYTES = 1_024
const DEFAULT_LEVEL = 6

/** Returns the size of the smallest message that is compressed, in bytes. */
export function compression_threshold(compression: boolean | CompressionOptions): number {
  return (typeof compression === 'object' ? compression.threshold : undefined) ?? DEFAULT_THRESHOLD_BYTES
}

/** Returns the zlib level, from 1 to 9. */
export function compression_level(compression: boolean | CompressionOptions): number {
  return (typeof compression === 'object' ? compression.level : undefined) ?? DEFAULT_LEVEL
}
