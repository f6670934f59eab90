import type { NetError, Sendable } from '@bt/net'

/** A sender with a bounded queue: a client, or a server's socket. */
export interface Sender {
  /** Queues a message, or returns why it can't. */
  send(data: Sendable): true | NetError
  /** Resolves when the queue is empty; rejects when messages are lost, or the connection is closed. */
  drained(): Promise<void>
}

/**
 * Sends a message; if the queue is full, waits until it has drained and sends again. It returns a promise
 * only if it has to wait, so that a send into a free queue costs nothing extra.
 *
 * @returns the last result of `send`: `true`, or an error with code `closed` or `too_large`
 */
export function send_patiently(sender: Sender, data: Sendable): true | NetError | Promise<true | NetError> {
  const sent = sender.send(data)
  return is_full(sent) ? send_when_drained(sender, data) : sent
}

async function send_when_drained(sender: Sender, data: Sendable): Promise<true | NetError> {
  for (;;) {
    // A rejection is about other messages, which `on_error` reports; `send` decides about this one.
    await sender.drained().catch(() => {})
    const sent = sender.send(data)
    if (!is_full(sent)) return sent
  }
}

/** Whether a result of `send`, or an error, means that the queue is full, so that waiting helps. */
export function is_full(sent: true | NetError): boolean {
  return sent !== true && sent.code === 'queue_full'
}
