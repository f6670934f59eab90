import { start_peer_timeout } from '../../time/peer_timeout.js'
import { node_platform } from '../platform/platform.js'

/**
 * Waits for a connection to a broker for at most `timeout_ms`. After a timeout, the caller has to clean up
 * the attempt. `also` is appended to the error's message, for other reasons why the broker may not answer.
 */
export function connect_in_time<Connection>(
  timeout_ms: number,
  opening: Promise<Connection>,
  also = '',
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const cancel = start_peer_timeout(node_platform.clock, timeout_ms, () =>
      reject(no_answer(timeout_ms, also)),
    )
    opening.finally(cancel).then(resolve, reject)
  })
}

/** Returns the error for a broker that does not answer in time. */
export function no_answer(timeout_ms: number, also = ''): Error {
  return new Error(
    `it did not answer within ${timeout_ms} ms: check the address, and whether it is at work${also}`,
  )
}
