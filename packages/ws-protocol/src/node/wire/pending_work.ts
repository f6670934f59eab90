import { short_turns, thread_turns } from '../deflate/zlib_turns.js'
import { waiting_takers } from './turn_share.js'

/**
 * Returns how much of what this process has received or sent waits for its turn: sockets with messages that
 * are not read or delivered yet, and messages that are being compressed or decompressed.
 */
export function pending_work(): number {
  return waiting_takers() + short_turns.size + thread_turns.size
}
