import type { Platform } from '../connection/platform.js'
import type { Batch } from '../queues/batch.js'
import { MessageQueue } from '../queues/message_queue.js'
import type { KeptMessages } from './kept_messages.js'
import { KeptPayloads } from './kept_payloads.js'
import { SessionQueue } from './session_queue.js'

/** A platform whose queues make the messages of sessions: binary ones begin with a byte of their own. */
export interface SessionPlatform extends Platform {
  /** Returns a batch of one control message. `is_masked`: for a client. */
  make_control(bytes: Uint8Array, is_masked: boolean): Batch
  /** Returns the place for messages that are not handled yet. `is_masked`: for a client. */
  make_kept(is_masked: boolean): KeptMessages
  /** Whether timers may be late, as in hidden pages, so that time is also checked when a message arrives. */
  readonly has_late_timers: boolean
}

/** Makes a platform whose sockets do their own framing fit for sessions. */
export function with_sessions(platform: Platform): SessionPlatform {
  return {
    ...platform,
    make_queue: is_masked => new SessionQueue(is_masked),
    make_control(bytes, is_masked) {
      const queue = new MessageQueue(is_masked)
      queue.push(bytes, Number.POSITIVE_INFINITY)
      return queue.take() as Batch
    },
    make_kept: () => new KeptPayloads(),
    has_late_timers: true,
  }
}
