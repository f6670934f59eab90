import { LEADING_BYTE } from '../frames/leading_byte.js'
import { MessageQueue } from '../queues/message_queue.js'

/** A queue of messages without frames whose binary messages begin with the leading byte of a session. */
export class SessionQueue extends MessageQueue {
  override push(payload: string | Uint8Array, room_bytes: number): number {
    return super.push(typeof payload === 'string' ? payload : with_leading_byte(payload), room_bytes)
  }
}

function with_leading_byte(payload: Uint8Array): Uint8Array {
  const message = new Uint8Array(1 + payload.length)
  message[0] = LEADING_BYTE.APPLICATION
  message.set(payload, 1)
  return message
}
