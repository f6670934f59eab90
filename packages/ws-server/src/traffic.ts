/** What {@link Traffic} reads of a socket, which counts by itself. */
interface CountingSocket {
  readonly bytesRead: number
  readonly bytesWritten: number
  once(event: 'close', listener: () => void): unknown
}

/** The bytes of all sockets of a server. It costs nothing while they flow: each socket is asked when somebody wants to know, and when it ends. */
export class Traffic {
  readonly #open = new Set<CountingSocket>()
  #received_bytes = 0
  #sent_bytes = 0

  /** Counts one more socket, from its first byte on. */
  add(socket: CountingSocket): void {
    this.#open.add(socket)
    socket.once('close', () => {
      this.#open.delete(socket)
      this.#received_bytes += socket.bytesRead
      this.#sent_bytes += socket.bytesWritten
    })
  }

  /** Sums them up. */
  stats(): { readonly received_bytes: number; readonly sent_bytes: number } {
    let received_bytes = this.#received_bytes
    let sent_bytes = this.#sent_bytes
    for (const { bytesRead, bytesWritten } of this.#open) {
      received_bytes += bytesRead
      sent_bytes += bytesWritten
    }
    return { received_bytes, sent_bytes }
  }
}
