import type { NetError, Sendable } from '@bt/net'

/** Whoever sends through a bounded queue: a client, or a server's socket. */
export interface Sender {
  /** Sends, or says why not. */
  send(data: Sendable): true | NetError
  /** Resolves when everything is sent; rejects when some of it is lost, or nothing is sent any more. */
  drained(): Promise<void>
}

/**
 * Sends, and where the queue is full waits until it is drained and sends again. A promise is returned only where there was
 * something to wait for, so that whoever has room pays nothing.
 *
 * @returns what `send` said last: `true`, or an error with code `closed` or `too_large`
 */
export function send_patiently(sender: Sender, data: Sendable): true | NetError | Promise<true | NetError> {
  const sent = sender.send(data)
  return is_full(sent) ? send_when_drained(sender, data) : sent
}

async function send_when_drained(sender: Sender, data: Sendable): Promise<true | NetError> {
  for (;;) {
    // If it rejects, other messages were lost, which `on_error` reports. Whether this one can still be sent, `send` says.
    await sender.drained().catch(() => {})
    const sent = sender.send(data)
    if (!is_full(sent)) return sent
  }
}

/** Whether the answer of `send`, or an error, says that the queue is full: then waiting helps. */
export function is_full(sent: true | NetError): boolean {
  return sent !== true && sent.code === 'queue_full'
}
