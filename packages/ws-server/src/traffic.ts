/** What {@link Traffic} reads of a socket, which counts by itself. */
interface CountingSocket {
  readonly bytesRead: number
  readonly bytesWritten: number
  on(event: 'close', listener: (this: CountingSocket) => void): unknown
}

/** The bytes of all sockets of a server. It costs nothing while they flow: each socket is asked when somebody wants to know, and when it ends. */
export class Traffic {
  readonly #open = new Set<CountingSocket>()
  #received_bytes = 0
  #sent_bytes = 0
  /** One for all sockets, so that none of them needs a closure of its own. */
  readonly #ended: (this: CountingSocket) => void

  constructor() {
    const count = (socket: CountingSocket): void => this.#count_ended(socket)
    this.#ended = function (this: CountingSocket): void {
      count(this)
    }
  }

  /** Counts one more socket, from its first byte on. */
  add(socket: CountingSocket): void {
    this.#open.add(socket)
    socket.on('close', this.#ended)
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

  #count_ended(socket: CountingSocket): void {
    this.#open.delete(socket)
    this.#received_bytes += socket.bytesRead
    this.#sent_bytes += socket.bytesWritten
  }
}
