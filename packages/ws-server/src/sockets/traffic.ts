import type { CountingStream } from './socket.js'

/**
 * Sums up the bytes of all sockets of a server. It costs nothing per message, because it reads the counters
 * of the sockets only on request.
 */
export class Traffic {
  #received_bytes = 0
  #sent_bytes = 0

  /** Adds the bytes of a socket that has ended. */
  ended({ bytesRead, bytesWritten }: CountingStream): void {
    this.#received_bytes += bytesRead
    this.#sent_bytes += bytesWritten
  }

  /** Returns the sums over all sockets, given those that are open. */
  stats(open: Iterable<CountingStream>): { readonly received_bytes: number; readonly sent_bytes: number } {
    let received_bytes = this.#received_bytes
    let sent_bytes = this.#sent_bytes
    for (const { bytesRead, bytesWritten } of open) {
      received_bytes += bytesRead
      sent_bytes += bytesWritten
    }
    return { received_bytes, sent_bytes }
  }
}
