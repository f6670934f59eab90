import type { MessageBatch } from '../queues/message_queue.js'
import type { KeptBatch } from './kept_messages.js'

/** Keeps a batch of messages without frames until the other side of a session has handled them. */
export function keep_payloads(batch: MessageBatch): KeptBatch {
  const { messages, frame_bytes, payload_bytes, payloads } = batch
  return {
    messages,
    frame_bytes,
    without_first(skip) {
      if (skip === 0) return batch
      const rest = payloads.slice(skip)
      // Only their sum counts, as a limit, so the share of each message is not worth knowing.
      const share = rest.length / messages
      return {
        messages: rest.length,
        payloads: rest,
        frame_bytes: Math.ceil(frame_bytes * share),
        payload_bytes: Math.ceil(payload_bytes * share),
      } as MessageBatch
    },
    payloads: () => payloads.map(payload => (typeof payload === 'string' ? payload : payload.subarray(1))),
    release() {},
  }
}
