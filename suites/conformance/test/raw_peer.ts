import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { FrameReader, type SeenFrame } from '@bt/test-support/frames'

/** How the bytes of a case are cut into writes, `cuts` in rising order; each of those is a turn of the event loop away from the next. */
export type Segmentation = 'whole' | 'byte by byte' | { readonly cuts: readonly number[] }

const HEAD_END = '\r\n\r\n'

/** The other end of a connection: a bare socket, which sends what a case says and keeps what it gets. */
export class RawPeer {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #has_ended = false
  #wake: () => void = () => {}
  /** Settles when TCP has ended: `true` where both sides ended it, `false` where it was reset. */
  readonly ended: Promise<boolean>

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    let is_in_order = false
    socket.on('data', part => {
      this.#received = Buffer.concat([this.#received, part])
      this.#wake()
    })
    socket.on('end', () => {
      is_in_order = true
    })
    // `close` follows, and says that there was no `end`.
    socket.on('error', () => {})
    this.ended = new Promise(resolve => {
      socket.on('close', had_error => {
        this.#has_ended = true
        this.#wake()
        resolve(is_in_order && !had_error)
      })
    })
  }

  /** Sends bytes, cut as `segmentation` says; what the other side no longer takes is not sent. */
  async send(bytes: Uint8Array, segmentation: Segmentation): Promise<void> {
    for (const segment of cut(bytes, segmentation)) {
      if (!this.#socket.writable) return
      this.#socket.write(segment)
      await setImmediate()
    }
  }

  /** Ends this side of TCP. */
  end(): void {
    this.#socket.end()
  }

  /** Ends TCP at once, whatever is left. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** The head of what the other side sent first, which is taken away from what was received; what there is, where TCP ends before. */
  async head(): Promise<string> {
    await this.#until(() => this.#received.includes(HEAD_END))
    const at = this.#received.indexOf(HEAD_END)
    const end = at === -1 ? this.#received.length : at + HEAD_END.length
    const head = this.#received.subarray(0, end).toString('latin1')
    this.#received = this.#received.subarray(end)
    return head
  }

  /** Waits for so many frames of the other side, or for the end of TCP. */
  frames_seen(count: number): Promise<void> {
    return this.#until(() => this.received().frames.length >= count)
  }

  /** All frames that came, and what is behind them. */
  received(): { readonly frames: SeenFrame[]; readonly rest: Buffer } {
    const reader = new FrameReader()
    return { frames: reader.read(this.#received), rest: reader.rest }
  }

  async #until(is_there: () => boolean): Promise<void> {
    while (!is_there() && !this.#has_ended) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }
}

function* cut(bytes: Uint8Array, segmentation: Segmentation): Iterable<Uint8Array> {
  if (bytes.length === 0) return
  if (segmentation === 'whole') yield bytes
  else if (segmentation === 'byte by byte') for (const byte of bytes) yield Uint8Array.of(byte)
  else {
    let start = 0
    for (const cut of segmentation.cuts) {
      if (cut > start && cut < bytes.length) {
        yield bytes.subarray(start, cut)
        start = cut
      }
    }
    yield bytes.subarray(start)
  }
}
