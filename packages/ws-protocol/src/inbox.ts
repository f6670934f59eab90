import { is_thenable } from './report.js'

/** How many bytes may wait for a slow callback before the socket is paused. */
export const INBOX_LIMIT_BYTES = 262_144

/** What a waiting message costs beside its payload, roughly: else a flood of empty messages would count as nothing. */
const MESSAGE_OVERHEAD_BYTES = 64

type Payload = string | Uint8Array

type Item<Info> =
  | { readonly kind: 'open' }
  | { readonly kind: 'message'; readonly data: Payload; readonly cost_bytes: number }
  | { readonly kind: 'close'; readonly info: Info }

/**
 * Who takes messages: a callback, or a loop that asks for one, is `ready`; a loop that does not ask just now is `busy`; or there is
 * `nobody` yet. Messages wait unless somebody is ready. The news that the connection has ended does not wait with them.
 */
export type MessageListener = 'ready' | 'busy' | 'nobody'

/** Where an inbox delivers to, and what it asks of the socket. A promise that a `deliver_…` returns is awaited. */
export interface InboxOwner<Info> {
  /** Who takes messages just now. */
  readonly message_listener: MessageListener
  /** The connection is open. */
  deliver_open(): unknown
  /** A message has arrived. */
  deliver_message(data: Payload): unknown
  /** The connection is gone. */
  deliver_close(info: Info): unknown
  /** A callback threw, or its promise was rejected. */
  callback_failed(kind: 'open' | 'message' | 'close', cause: unknown): void
  /** Enough waits: the socket should stop reading. */
  pause_reading(): void
  /** There is room again: the socket should go on reading. */
  resume_reading(): void
  /** The last callback is done. */
  all_delivered(info: Info): void
}

/**
 * Runs the callbacks of one connection one at a time and in order. While an async callback runs, what arrives waits here; when
 * {@link INBOX_LIMIT_BYTES} wait, the socket is paused until half of them are left. A callback that finds nothing waiting is
 * called straight away, so a synchronous one pays nothing for this.
 */
export class Inbox<Info> {
  readonly #owner: InboxOwner<Info>
  #waiting: Item<Info>[] = []
  #next = 0
  #bytes = 0
  #is_running = false
  #is_paused = false

  constructor(owner: InboxOwner<Info>) {
    this.#owner = owner
  }

  /** Bytes of the messages that wait, with 64 more for each message. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether the socket was asked to stop reading. */
  get is_paused(): boolean {
    return this.#is_paused
  }

  /** The connection is open. */
  open(): void {
    this.#add({ kind: 'open' })
  }

  /** A message of `payload_bytes` bytes has arrived. */
  message(data: Payload, payload_bytes: number): void {
    if (
      !this.#is_running &&
      this.#next === this.#waiting.length &&
      this.#owner.message_listener === 'ready'
    ) {
      this.#is_running = true
      this.#after(this.#deliver_message(data))
      return
    }
    const cost_bytes = payload_bytes + MESSAGE_OVERHEAD_BYTES
    this.#bytes += cost_bytes
    this.#add({ kind: 'message', data, cost_bytes })
    if (this.#bytes >= INBOX_LIMIT_BYTES && !this.#is_paused) {
      this.#is_paused = true
      this.#owner.pause_reading()
    }
  }

  /** The connection is gone, and nothing comes after this. */
  close(info: Info): void {
    this.#add({ kind: 'close', info })
  }

  /** Who takes messages has changed: runs what waited for it. */
  callbacks_changed(): void {
    this.#run()
  }

  /** Throws away the messages that wait, since nobody wants them any more. */
  discard_messages(): void {
    this.#waiting = this.#waiting.slice(this.#next).filter(item => item.kind !== 'message')
    this.#next = 0
    this.#bytes = 0
    this.#resume_with_room()
    this.#run()
  }

  #add(item: Item<Info>): void {
    this.#waiting.push(item)
    this.#run()
  }

  #run(): void {
    while (!this.#is_running) {
      const item = this.#take()
      if (item === undefined) return
      this.#is_running = true
      this.#after(this.#deliver(item), item)
    }
  }

  /** Ends the turn of a callback, now or when its promise is settled. */
  #after(returned: unknown, item?: Item<Info>): void {
    if (!is_thenable(returned)) {
      this.#is_running = false
      if (item?.kind === 'close') this.#owner.all_delivered(item.info)
      if (item === undefined) this.#run()
      return
    }
    const go_on = (): void => {
      this.#after(undefined, item)
      this.#run()
    }
    Promise.resolve(returned).then(go_on, (cause: unknown) => {
      this.#owner.callback_failed(item?.kind ?? 'message', cause)
      go_on()
    })
  }

  #deliver(item: Item<Info>): unknown {
    if (item.kind === 'message') return this.#deliver_message(item.data)
    try {
      return item.kind === 'open' ? this.#owner.deliver_open() : this.#owner.deliver_close(item.info)
    } catch (cause) {
      this.#owner.callback_failed(item.kind, cause)
      return undefined
    }
  }

  #deliver_message(data: Payload): unknown {
    try {
      return this.#owner.deliver_message(data)
    } catch (cause) {
      this.#owner.callback_failed('message', cause)
      return undefined
    }
  }

  #take(): Item<Info> | undefined {
    const item = this.#waiting[this.#next]
    if (item === undefined) return undefined
    if (item.kind === 'message') {
      if (this.#owner.message_listener !== 'ready') return this.#take_close_past_messages()
      this.#bytes -= item.cost_bytes
    }
    this.#next += 1
    if (this.#next * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#next)
      this.#next = 0
    }
    this.#resume_with_room()
    return item
  }

  /** That nobody asks for messages just now must not keep back the news that the connection is gone. */
  #take_close_past_messages(): Item<Info> | undefined {
    return this.#waiting.at(-1)?.kind === 'close' ? this.#waiting.pop() : undefined
  }

  #resume_with_room(): void {
    if (!this.#is_paused || this.#bytes > INBOX_LIMIT_BYTES / 2) return
    this.#is_paused = false
    this.#owner.resume_reading()
  }
}
