import { parse_fields } from './message.js'

/** The most messages a second that a load may be. */
export const MAX_RATE = 20_000

/** The largest message of a load, in bytes. */
const MAX_SIZE_BYTES = 16_384

/**
 * What a page has done to its own connection at the other end. It does not go through that connection: behind a full queue, it
 * would come too late.
 */
export type Control =
  | { readonly action: 'cut' }
  | { readonly action: 'close' }
  | { readonly action: 'slow'; readonly is_on: boolean }
  | { readonly action: 'feed'; readonly rate: number; readonly size_bytes: number }

/** A control, and the key of the connection that it is about: the server told it to that connection alone. */
export type ControlRequest = Control & { readonly key: string }

/** Reads a request; `undefined` where it is none. A `rate` of 0 ends the feed. */
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
