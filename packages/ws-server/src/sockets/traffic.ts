import type { CountingStream } from './socket.js'

/** The bytes of all sockets of a server. It costs nothing while they flow: each socket is asked when somebody wants to know, and when it ends. */
export class Traffic {
  #received_bytes = 0
  #sent_bytes = 0

  /** Counts a socket that has ended. */
  ended({ bytesRead, bytesWritten }: CountingStream): void {
    this.#received_bytes += bytesRead
    this.#sent_bytes += bytesWritten
  }

  /** Sums up those that have ended, and those that have not. */
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
