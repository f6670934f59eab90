import type { PerMessageDeflateOptions } from 'ws'
import type { CompressionOptions } from '../options.js'

/** Smallest message that is compressed, in bytes, unless the option says another. */
export const DEFAULT_THRESHOLD_BYTES = 1_024

/** What `ws` is told as `perMessageDeflate`, on either side, for the option `compression`: its own defaults differ by side. */
export function per_message_deflate(
  compression: boolean | CompressionOptions,
): false | PerMessageDeflateOptions {
  if (compression === false) return false
  const { threshold = DEFAULT_THRESHOLD_BYTES, level = 6 } = compression === true ? {} : compression
  return {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    threshold,
    zlibDeflateOptions: { level },
  }
}
