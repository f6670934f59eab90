import { parse_fields } from './message.js'

/** The maximum rate of a load, in messages per second. */
export const MAX_RATE = 20_000

/** The maximum size of a load's messages, in bytes. */
const MAX_SIZE_BYTES = 16_384

/**
 * What a page asks the server to do to its connection. The request does not use that connection, because
 * behind a full queue it would come too late.
 */
export type Control =
  | { readonly action: 'cut' }
  | { readonly action: 'close' }
  | { readonly action: 'slow'; readonly is_on: boolean }
  | { readonly action: 'feed'; readonly rate: number; readonly size_bytes: number }

/** A control, and the key of its connection, which only the page of that connection knows. */
export type ControlRequest = Control & { readonly key: string }

/** Parses a request; returns `undefined` if it is invalid. A `rate` of 0 ends the feed. */
export function parse_control(text: string): ControlRequest | undefined {
  const { key, action, is_on, rate, size_bytes } = parse_fields(text)
  if (typeof key !== 'string') return undefined
  if (action === 'cut' || action === 'close') return { key, action }
  if (action === 'slow' && typeof is_on === 'boolean') return { key, action, is_on }
  if (action === 'feed' && is_whole(rate, 0, MAX_RATE) && is_whole(size_bytes, 1, MAX_SIZE_BYTES))
    return { key, action, rate, size_bytes }
  return undefined
}

function is_whole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}
