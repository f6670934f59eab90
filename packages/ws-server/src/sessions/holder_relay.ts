import { NetError } from '@bt/ws-protocol'
import {
  ABNORMAL_CLOSURE,
  type FrameBatch,
  make_frame,
  OPCODE,
  read_frames,
  type SocketEvents,
  write_control,
} from '@bt/ws-protocol/internal'
import {
  type InboxBudget,
  type InboxHolder,
  message_memory_bytes,
  next_tick,
} from '@bt/ws-protocol/internal/node'
import { RelayChannel, type RelaySender } from './relay_channel.js'
import type { RelayMessage } from './relay_message.js'
import type { SessionWire } from './session_wire.js'

const PING = make_frame(OPCODE.BINARY, write_control({ type: 'ping' }), false)

/** The socket of a session whose client is connected to another server. */
export class HolderRelay implements SessionWire, InboxHolder {
  readonly unsent = 0
  readonly buffered_bytes = 0
  is_close_sent = false
  /** The bytes of frames in both directions. */
  readonly stream: { bytesRead: number; bytesWritten: number } = { bytesRead: 0, bytesWritten: 0 }
  readonly #sender: RelaySender
  readonly #channel: RelayChannel
  readonly #inbox_budget: InboxBudget
  readonly #on_ended: () => void
  #events: SocketEvents | undefined
  #state: 'open' | 'closing' | 'ended' = 'open'
  #signs_of_life = 0
  #held_bytes = 0
  /** The memory of the message whose callback has returned a promise, in bytes. */
  #running_bytes = 0
  /** The bytes that the other server gets credit for once fewer messages wait. */
  #withheld_credit = 0
  #is_over_budget = false

  constructor(sender: RelaySender, inbox_budget: InboxBudget, on_ended: () => void) {
    this.#sender = sender
    this.#inbox_budget = inbox_budget
    this.#channel = new RelayChannel(sender)
    this.#on_ended = on_ended
  }

  /** Handles a message of the server that the client is connected to. */
  received(message: RelayMessage): void {
    switch (message.type) {
      case 'data':
        // Only what the client itself sends: its network takes data for a dead client, too.
        this.#signs_of_life += 1
        this.#receive(this.#channel.receive(message.number, message.bytes), message.bytes.length)
        return
      case 'credit':
        if (this.#channel.credited(message.bytes)) this.#events?.socket_drained()
        return
      case 'failed': {
        const { code, message: text, close_code } = message.failure
        this.#events?.socket_failed(new NetError(code, text), close_code)
        return
      }
      case 'gone':
        this.is_close_sent = message.is_close_sent
        this.#end(message.code, message.reason)
        return
      default:
        this.terminate()
    }
  }

  /** The other server is gone, or what was on its way. */
  lost(): void {
    this.#end(ABNORMAL_CLOSURE, '')
  }

  report_to(events: SocketEvents): void {
    this.#events = events
  }

  release_messages(): void {
    this.#running_bytes = 0
    this.account()
  }

  lend(data: string | Uint8Array): void {
    this.#running_bytes = message_memory_bytes(data, Buffer.byteLength(data))
    this.account()
  }

  may_run(): true {
    // This is called between callbacks, so none is running.
    this.#running_bytes = 0
    if (this.#held_bytes > 0) this.account()
    return true
  }

  // InboxHolder

  get held_bytes(): number {
    return this.#held_bytes
  }

  get sheddable_bytes(): number {
    return this.#state === 'ended' ? 0 : this.#held_bytes - this.#running_bytes
  }

  account(): void {
    const held_bytes = (this.#events?.inbox.bytes ?? 0) + this.#running_bytes
    const by_bytes = held_bytes - this.#held_bytes
    if (by_bytes !== 0) {
      this.#held_bytes = held_bytes
      this.#inbox_budget.changed(this, by_bytes)
    }
    const { max_waiting_bytes } = this.#inbox_budget
    // A closing relay keeps reading, to find the end.
    if (this.#state !== 'open' || held_bytes <= max_waiting_bytes / 2) this.#is_over_budget = false
    else if (held_bytes > max_waiting_bytes) this.#is_over_budget = true
    if (this.#is_over_budget || this.#withheld_credit === 0 || this.#state === 'ended') return
    this.#channel.credit(this.#withheld_credit)
    this.#withheld_credit = 0
  }

  shed(error: NetError, code: number, reason: string): boolean {
    const is_shed = this.#events?.shed?.(error, code, reason) === true
    if (is_shed) {
      this.#events?.close()
      this.account()
    } else this.terminate()
    return is_shed
  }

  // SocketPort

  get is_writable(): boolean {
    return this.#state === 'open'
  }

  get takes_batch(): boolean {
    return this.#state === 'open' && this.#channel.has_room
  }

  write(batch: FrameBatch): void {
    this.#send(batch.frames)
    // The message to the broker is a copy.
    batch.release()
  }

  close(code: number, reason: string): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#sender.send({ type: 'close', code, reason })
    this.account()
  }

  terminate(): void {
    if (this.#state === 'ended') return
    this.#sender.send({ type: 'gone', code: ABNORMAL_CLOSURE, reason: '', is_close_sent: false })
    next_tick(() => this.#end(ABNORMAL_CLOSURE, ''))
  }

  signs_of_life(): number {
    // While the client waits for credit, silence says nothing about it.
    if (this.#is_over_budget) this.#signs_of_life += 1
    return this.#signs_of_life
  }

  ping(): void {
    if (this.takes_batch) this.#send(PING)
  }

  pause(): void {}
  resume(): void {}

  #send(frames: Uint8Array): void {
    this.stream.bytesWritten += frames.length
    this.#channel.send(frames)
  }

  #receive(frames: Uint8Array | undefined, piece_bytes: number): void {
    if (frames === undefined) {
      this.terminate()
      return
    }
    this.stream.bytesRead += piece_bytes
    for (const { opcode, payload } of read_frames(frames)) {
      const data = opcode === OPCODE.TEXT ? Buffer.from(payload).toString() : Uint8Array.from(payload)
      this.#events?.socket_message(data, payload.length, message_memory_bytes(data, payload.length))
    }
    this.#withheld_credit += piece_bytes
    this.account()
  }

  #end(code: number, reason: string): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#on_ended()
    this.#events?.socket_closed(code, reason)
  }
}
