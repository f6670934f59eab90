import type { PerMessageDeflateOptions } from 'ws'
import { type CompressionOptions, MAX_DELAY_MS } from '../options.js'

/** What `ws` and the port over it are told; the options of the same names. */
export interface WsOptions {
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

/** What `ws` is told as `perMessageDeflate` for the option `compression`. */
export function per_message_deflate(
  compression: boolean | CompressionOptions,
): false | PerMessageDeflateOptions {
  if (compression === false) return false
  const { level = DEFAULT_LEVEL } = compression === true ? {} : compression
  return {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    threshold: compression_threshold(compression),
    zlibDeflateOptions: { level },
  }
}

/** What `ws` is told on either side. Every default that matters is given, since those of `ws` differ by side. */
export interface WsSettings {
  /** The option `max_payload`. */
  readonly maxPayload: number
  /** The option `max_fragments`. */
  readonly maxFragments: number
  /** The option `compression`. */
  readonly perMessageDeflate: false | PerMessageDeflateOptions
  /** The longest that there is: connections have their own, which does not blame a peer for the time in which this process was busy. */
  readonly closeTimeout: number
  /** Text is checked (RFC 6455 §8.1). */
  readonly skipUTF8Validation: false
  /** Pings are answered by the port (§5.5.3). */
  readonly autoPong: false
  /** Messages that arrive together are handed on together. */
  readonly allowSynchronousEvents: true
}

/** Puts options into the words of `ws`. */
export function ws_settings(options: WsOptions): WsSettings {
  return {
    maxPayload: options.max_payload,
    maxFragments: options.max_fragments,
    perMessageDeflate: per_message_deflate(options.compression),
    closeTimeout: MAX_DELAY_MS,
    skipUTF8Validation: false,
    autoPong: false,
    allowSynchronousEvents: true,
  }
}
