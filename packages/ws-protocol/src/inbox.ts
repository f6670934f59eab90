import { is_thenable } from './report.js'

/** How many bytes may wait for a slow callback before the socket is paused. */
export const INBOX_LIMIT_BYTES = 262_144

/** How many bytes may wait where a platform can't pause; with more, the connection is closed. */
export const INBOX_MOST_BYTES = 16_777_216

/** What a waiting message takes here beside itself, roughly: else a flood of empty messages would count as nothing. */
const ITEM_BYTES = 64

type Payload = string | Uint8Array

/**
 * The callbacks of a connection: its first, those for messages, and its last; and `finished`, behind the messages that waited when it was asked for.
 */
export type CallbackKind = 'open' | 'message' | 'finished' | 'close'

interface Item<Data> {
  readonly kind: CallbackKind
  readonly data?: Data
  /** Of a message; else 0. */
  readonly cost_bytes: number
}

/**
 * What takes messages: a callback, or a loop that asks for one, is `ready`; a loop that is not asking is `busy`; or there is `nobody` yet. Messages
 * wait unless something is ready. The news that the connection has ended does not wait with them.
 */
export type MessageListener = 'ready' | 'busy' | 'nobody'

/** What an inbox delivers to, and how it controls the socket. */
export interface InboxOwner<Info> {
  /** What takes messages just now. */
  readonly message_listener: MessageListener
  /** Returns whether a callback that is due may run now; if not, `Inbox.run` comes later. */
  may_run(): boolean
  /** Runs a callback; `value` is the message, or how the connection ended. A returned promise is awaited. */
  deliver(kind: CallbackKind, value: unknown): unknown
  /** Called when a callback has thrown, or its promise was rejected. */
  callback_failed(kind: CallbackKind, cause: unknown): void
  /** Called when enough waits: the socket should stop reading. */
  pause_reading(): void
  /** Called when there is room again: the socket should resume reading. */
  resume_reading(): void
  /** Called when the last callback is done. */
  all_delivered(info: Info): void
}

/**
 * Runs the callbacks of one connection one at a time and in order. While an async callback runs, what arrives waits here; when
 * {@link INBOX_LIMIT_BYTES} wait, the socket is paused until half of them are left. A callback that finds nothing waiting is
 * called straight away, so a synchronous one pays nothing for this.
 */
export class Inbox<Info> {
  readonly #owner: InboxOwner<Info>
  /** What waits, from {@link Inbox.#next} on; where nothing does, there is no list. */
  #items: Item<Payload>[] | undefined
  #next = 0
  /** How many of the items are no messages. */
  #others = 0
  #bytes = 0
  #close_due: Item<Info> | undefined
  #is_running = false
  #is_paused = false

  constructor(owner: InboxOwner<Info>) {
    this.#owner = owner
  }

  /** Bytes of memory that the waiting messages take. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether a callback is running, or the promise that it returned is waited for. */
  get is_running(): boolean {
    return this.#is_running
  }

  /** Whether the socket was asked to stop reading. */
  get is_paused(): boolean {
    return this.#is_paused
  }

  /** The connection is open, for the first time or again. */
  open(): void {
    this.#push_other('open')
  }

  /** Asks to be told, by `finished`, when the callbacks of all that has arrived are done. */
  finish(): void {
    this.#push_other('finished')
  }

  /** A message has arrived that takes `memory_bytes`. */
  message(data: Payload, memory_bytes: number): void {
    if (
      this.#items === undefined &&
      this.#owner.message_listener === 'ready' &&
      !this.#is_running &&
      this.#owner.may_run()
    ) {
      this.#call('message', data)
      // As a rule nothing has come meanwhile, and that is all.
      if (this.#items === undefined && this.#close_due === undefined) return
    } else this.#push({ kind: 'message', data, cost_bytes: memory_bytes + ITEM_BYTES })
    this.run()
    if (this.#is_paused || this.#bytes < INBOX_LIMIT_BYTES) return
    this.#is_paused = true
    this.#owner.pause_reading()
  }

  /** The connection is gone, and nothing comes after this. */
  close(info: Info): void {
    this.#close_due = { kind: 'close', data: info, cost_bytes: 0 }
    this.run()
  }

  /** Drops pending messages. */
  discard_messages(): void {
    const others = this.#items?.slice(this.#next).filter(({ kind }) => kind !== 'message')
    this.#items = others?.length ? others : undefined
    this.#next = this.#bytes = 0
    this.#resume_with_room()
    this.run()
  }

  /** Delivers what is due. It is also called when the listener of messages has changed, and when callbacks may run again. */
  run(): void {
    while (!this.#is_running && this.#owner.may_run()) {
      const item = this.#take() ?? this.#close_due
      if (item === undefined) return
      if (item === this.#close_due) this.#close_due = undefined
      this.#call(item.kind, item.data)
    }
  }

  /** The next item to deliver. That the connection is open, or has ended, is reported even if no listener takes messages just now. */
  #take(): Item<Payload> | undefined {
    const items = this.#items
    if (items === undefined) return undefined
    const item = items[this.#next] as Item<Payload>
    if (item.kind === 'message' && this.#owner.message_listener !== 'ready') {
      if (this.#others === 0) return undefined
      this.#others -= 1
      const at = items.findIndex(({ kind }, index) => index > this.#next && kind !== 'message')
      return items.splice(at, 1)[0]
    }
    if (item.kind !== 'message') this.#others -= 1
    this.#bytes -= item.cost_bytes
    this.#next += 1
    if (this.#next === items.length) {
      this.#items = undefined
      this.#next = 0
    } else if (this.#next * 2 > items.length) {
      items.splice(0, this.#next)
      this.#next = 0
    }
    this.#resume_with_room()
    return item
  }

  #push_other(kind: 'open' | 'finished'): void {
    this.#others += 1
    this.#push({ kind, cost_bytes: 0 })
    this.run()
  }

  #push(item: Item<Payload>): void {
    this.#items ??= []
    this.#items.push(item)
    this.#bytes += item.cost_bytes
  }

  #call(kind: CallbackKind, value?: Payload | Info | undefined): void {
    this.#is_running = true
    let returned: unknown
    try {
      returned = this.#owner.deliver(kind, value)
    } catch (cause) {
      this.#owner.callback_failed(kind, cause)
    }
    if (!is_thenable(returned)) {
      this.#done(kind, value)
      return
    }
    const go_on = (): void => {
      this.#done(kind, value)
      this.run()
    }
    Promise.resolve(returned).then(go_on, (cause: unknown) => {
      this.#owner.callback_failed(kind, cause)
      go_on()
    })
  }

  #done(kind: CallbackKind, value?: Payload | Info | undefined): void {
    this.#is_running = false
    if (kind === 'close') this.#owner.all_delivered(value as Info)
  }

  #resume_with_room(): void {
    if (!this.#is_paused || this.#bytes > INBOX_LIMIT_BYTES / 2) return
    this.#is_paused = false
    this.#owner.resume_reading()
  }
}
