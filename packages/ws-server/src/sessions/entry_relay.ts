import type { NetError } from '@bt/ws-protocol'
import { ABNORMAL_CLOSURE, make_frame, OPCODE, type SocketEvents } from '@bt/ws-protocol/internal'
import { count_frames, RelayChannel, type RelaySender } from './relay_channel.js'
import type { RelayMessage } from './relay_message.js'
import type { SessionWire } from './session_wire.js'

/** The events of a client's socket whose session another server holds: everything goes there. */
export class EntryRelay implements SocketEvents {
  readonly inbox: SocketEvents['inbox'] = { bytes: 0 }
  readonly #wire: SessionWire
  readonly #sender: RelaySender
  readonly #channel: RelayChannel
  readonly #on_ended: () => void
  /** Frames that the network has not taken, with the bytes of the pieces that they came in. */
  readonly #unwritten: { readonly frames: Uint8Array; readonly credit: number }[] = []
  #pending_close: { readonly code: number; readonly reason: string } | undefined
  #has_ended = false

  constructor(wire: SessionWire, sender: RelaySender, on_ended: () => void) {
    this.#wire = wire
    this.#sender = sender
    this.#channel = new RelayChannel(sender)
    this.#on_ended = on_ended
  }

  /** Handles a message of the server that holds the session. */
  received(message: RelayMessage): void {
    switch (message.type) {
      case 'data': {
        const frames = this.#channel.receive(message.number, message.bytes)
        if (frames === undefined) this.#wire.terminate()
        else {
          this.#unwritten.push({ frames, credit: message.bytes.length })
          this.socket_drained()
        }
        return
      }
      case 'credit':
        if (this.#channel.credited(message.bytes)) this.#wire.resume()
        return
      case 'close':
        this.#pending_close = message
        this.socket_drained()
        return
      default:
        this.#wire.terminate()
    }
  }

  /** The other server is gone, or what was on its way. */
  lost(): void {
    this.#wire.terminate()
  }

  /** This server shuts down: its client can go on with the session by another one. */
  shut_down(code: number, reason: string, now: boolean): void {
    if (now) this.#wire.terminate()
    else this.#wire.close(code, reason)
  }

  close(): true {
    return true
  }

  socket_opened(): void {}

  socket_message(data: string | Uint8Array): void {
    const is_text = typeof data === 'string'
    const payload = is_text ? Buffer.from(data) : data
    this.#channel.send(make_frame(is_text ? OPCODE.TEXT : OPCODE.BINARY, payload, false))
    if (!this.#channel.has_room) this.#wire.pause()
  }

  socket_drained(): void {
    while (this.#unwritten.length > 0 && this.#wire.takes_batch) {
      const { frames, credit } = this.#unwritten.shift() as { frames: Uint8Array; credit: number }
      if (frames.length > 0)
        this.#wire.write({
          messages: count_frames(frames),
          frame_bytes: frames.length,
          frames,
          release() {},
        } as Parameters<SessionWire['write']>[0])
      this.#channel.credit(credit)
    }
    if (this.#pending_close === undefined || this.#unwritten.length > 0 || !this.#wire.takes_batch) return
    const { code, reason } = this.#pending_close
    this.#pending_close = undefined
    this.#wire.close(code, reason)
  }

  socket_failed({ code, message }: NetError, close_code: number): void {
    this.#sender.send({ type: 'failed', failure: { code, message, close_code } })
  }

  socket_ending(): void {}

  socket_closed(code: number, reason: string): void {
    if (this.#has_ended) return
    this.#has_ended = true
    this.#on_ended()
    const is_close_sent = code !== ABNORMAL_CLOSURE && this.#wire.is_close_sent
    this.#sender.send({ type: 'gone', code, reason, is_close_sent })
  }
}
