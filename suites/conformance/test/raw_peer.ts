import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { FrameReader, type SeenFrame } from '@bt/test-support/frames'

/** How bytes are split into writes, one per turn of the event loop; `cuts` are in ascending order. */
export type Segmentation = 'whole' | 'byte by byte' | { readonly cuts: readonly number[] }

const HEAD_END = '\r\n\r\n'

/** The other end of a connection, on a bare socket, which keeps what it receives. */
export class RawPeer {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #has_ended = false
  #wake: () => void = () => {}
  /** Resolves when TCP has ended: with `true` if both sides ended it, with `false` if it was reset. */
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
    // `close` follows, and `ended` resolves with `false`.
    socket.on('error', () => {})
    this.ended = new Promise(resolve => {
      socket.on('close', had_error => {
        this.#has_ended = true
        this.#wake()
        resolve(is_in_order && !had_error)
      })
    })
  }

  /** Sends bytes in segments, until the socket is no longer writable. */
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

  /** Ends TCP at once, and drops unsent bytes. */
  destroy(): void {
    this.#socket.destroy()
  }

  /**
   * Resolves with the head of the other side's request or response, and removes it from the received bytes.
   * If TCP ends earlier, it is what has arrived.
   */
  async head(): Promise<string> {
    await this.#until(() => this.#received.includes(HEAD_END))
    const at = this.#received.indexOf(HEAD_END)
    const end = at === -1 ? this.#received.length : at + HEAD_END.length
    const head = this.#received.subarray(0, end).toString('latin1')
    this.#received = this.#received.subarray(end)
    return head
  }

  /** Resolves when at least `count` frames have arrived, or TCP has ended. */
  frames_received(count: number): Promise<void> {
    return this.#until(() => this.received().frames.length >= count)
  }

  /** Returns all received frames, and the incomplete rest. */
  received(): { readonly frames: SeenFrame[]; readonly rest: Buffer } {
    const reader = new FrameReader()
    return { frames: reader.read(this.#received), rest: reader.rest }
  }

  async #until(is_done: () => boolean): Promise<void> {
    while (!is_done() && !this.#has_ended) {
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
