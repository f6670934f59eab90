import { NetError } from '@bt/ws-protocol'

/** Returns the error for a message that is larger than the option `max_payload`. */
export function too_large(payload_bytes: number, max_payload: number): NetError {
  const message = `closed with 1009: the peer sent a message of ${payload_bytes} bytes; raise max_payload, ${max_payload} bytes, to take it`
  return new NetError('message_too_large', message)
}
