import type { FrameBatch, SocketEvents } from '@bt/ws-protocol/internal'
import type { RelayMessage } from '../../src/sessions/relay_message.js'
import type { SessionWire } from '../../src/sessions/session_wire.js'

/** A client's socket that a test controls, for a session or a relay. It records what it is asked to do. */
export class FakeWire implements SessionWire {
  /** What was done with it, in order. */
  readonly calls: string[] = []
  /** The frames that were written, one batch after another. */
  readonly written: Uint8Array[] = []
  readonly stream = { bytesRead: 0, bytesWritten: 0 }
  readonly unsent = 0
  readonly buffered_bytes = 0
  is_writable = true
  is_close_sent = false
  /** Whether the network takes what is written. */
  takes_batch = true
  /** The receiver of its events, once there is another one than at first. */
  events: SocketEvents | undefined

  report_to(events: SocketEvents): void {
    this.events = events
  }

  release_messages(): void {}
  lend(): void {}

  write({ frames }: FrameBatch): void {
    this.written.push(Uint8Array.from(frames))
  }

  close(code: number, reason: string): void {
    this.calls.push(`close ${code} ${reason}`.trim())
  }

  terminate(): void {
    this.calls.push('terminate')
  }

  signs_of_life(): number {
    return 0
  }

  ping(): void {}

  pause(): void {
    this.calls.push('pause')
  }

  resume(): void {
    this.calls.push('resume')
  }
}

/** Keeps what one end of a relay sends to the other server. */
export class SentMessages {
  readonly max_bytes: number
  readonly all: RelayMessage[] = []

  constructor(max_bytes = 1_048_576) {
    this.max_bytes = max_bytes
  }

  send(message: RelayMessage): void {
    this.all.push(message)
  }

  /** The types of the messages, in order. */
  get types(): readonly string[] {
    return this.all.map(({ type }) => type)
  }

  /** The bytes of all pieces of data, in order. */
  get data(): Uint8Array {
    return Buffer.concat(this.all.flatMap(message => (message.type === 'data' ? [message.bytes] : [])))
  }
}
