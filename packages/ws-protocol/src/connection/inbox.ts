import type { CloseInfo } from './close_info.js'
import { is_thenable } from './report.js'

/** The bytes of messages that may wait for a slow callback before the socket is paused. */
export const INBOX_LIMIT_BYTES = 262_144

/**
 * The bytes that may wait on a platform that can't pause its sockets; with more, the connection is closed.
 */
export const INBOX_MAX_BYTES = 16_777_216

/**
 * The approximate overhead of a waiting message, without which a flood of empty messages would count as
 * nothing.
 */
const ITEM_BYTES = 64

type Payload = string | Uint8Array

/** The callbacks of a connection that run one at a time, in order. */
export type CallbackName = 'open' | 'message' | 'close'

type Item =
  | { readonly kind: 'message'; readonly data: Payload; readonly cost_bytes: number }
  | { readonly kind: 'open' | 'finished'; readonly cost_bytes: 0 }

const OPEN: Item = { kind: 'open', cost_bytes: 0 }
const FINISHED: Item = { kind: 'finished', cost_bytes: 0 }

/**
 * Whether messages can be delivered: a callback, or a loop that awaits the next message, is `ready`; a loop
 * that does not is `busy`; `none` means that there is no listener yet. Messages wait unless the listener is
 * ready. The events of opening and ending do not wait with them.
 */
export type ListenerState = 'ready' | 'busy' | 'none'

/**
 * The events of an inbox. Each call passes the inbox's owner, so that all connections share one such object.
 */
export interface InboxEvents<Owner> {
  /** Returns whether a callback that is due may run now; if not, {@link Inbox.run} is called later. */
  may_run(owner: Owner): boolean
  /** Runs the user's callback. A returned promise is awaited. */
  on_open(owner: Owner): unknown
  /** Runs the user's callback. A returned promise is awaited. */
  on_message(owner: Owner, data: Payload): unknown
  /** Runs the user's callback. A returned promise is awaited. */
  on_close(owner: Owner, info: CloseInfo): unknown
  /** The callbacks of all messages that arrived before {@link Inbox.finish} are done. */
  finished(owner: Owner): void
  /** A callback has thrown, or its promise was rejected. */
  callback_failed(owner: Owner, name: CallbackName, cause: unknown): void
  /** The inbox is full: the socket should stop reading. */
  pause_reading(owner: Owner): void
  /** The inbox has room again: the socket should resume reading. */
  resume_reading(owner: Owner): void
  /** The last callback is done. */
  settled(owner: Owner, info: CloseInfo): void
}

/**
 * Runs the callbacks of one connection one at a time, in order. While an async callback runs, messages wait
 * here; at {@link INBOX_LIMIT_BYTES}, the socket is paused until half of that is left. If nothing waits, a
 * callback is called directly, so the inbox costs a synchronous callback nothing.
 */
export class Inbox<Owner> {
  readonly #owner: Owner
  readonly #events: InboxEvents<Owner>
  #listener: ListenerState = 'ready'
  /** The waiting items, from {@link Inbox.#next} on; `undefined` if there are none. */
  #items: Item[] | undefined
  #next = 0
  /** The number of waiting items other than messages. */
  #others = 0
  #bytes = 0
  #close_due: CloseInfo | undefined
  #is_running = false
  #is_paused = false

  constructor(owner: Owner, events: InboxEvents<Owner>) {
    this.#owner = owner
    this.#events = events
  }

  /** Returns the memory of the waiting messages, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether a callback is running, or the promise that it returned is pending. */
  get is_running(): boolean {
    return this.#is_running
  }

  /** Whether the socket was asked to stop reading. */
  get is_paused(): boolean {
    return this.#is_paused
  }

  /** The state of the listener. Setting it to `ready` delivers the waiting messages. */
  get listener(): ListenerState {
    return this.#listener
  }

  set listener(listener: ListenerState) {
    this.#listener = listener
    this.run()
  }

  /** Queues the callback for a connection that has opened, for the first time or again. */
  open(): void {
    this.#push_other(OPEN)
  }

  /** Queues a call of {@link InboxEvents.finished} after the callbacks of all messages that have arrived. */
  finish(): void {
    this.#push_other(FINISHED)
  }

  /** Delivers or queues a message that takes `memory_bytes`. */
  message(data: Payload, memory_bytes: number): void {
    if (
      this.#items === undefined &&
      this.#listener === 'ready' &&
      !this.#is_running &&
      this.#events.may_run(this.#owner)
    ) {
      this.#call(data)
      // Usually the callback has caused no further events.
      if (this.#items === undefined && this.#close_due === undefined) return
    } else this.#push({ kind: 'message', data, cost_bytes: memory_bytes + ITEM_BYTES })
    this.run()
    if (this.#is_paused || this.#bytes < INBOX_LIMIT_BYTES) return
    this.#is_paused = true
    this.#events.pause_reading(this.#owner)
  }

  /** Queues the callback for the end of the connection, which is the last one. */
  close(info: CloseInfo): void {
    this.#close_due = info
    this.run()
  }

  /** Drops the waiting messages. */
  discard_messages(): void {
    const others = this.#items?.slice(this.#next).filter(({ kind }) => kind !== 'message')
    this.#items = others?.length ? others : undefined
    this.#next = this.#bytes = 0
    this.#resume_with_room()
    this.run()
  }

  /**
   * Runs the callbacks that are due. It is also called when they may run again after
   * {@link InboxEvents.may_run} returned `false`.
   */
  run(): void {
    while (!this.#is_running && this.#events.may_run(this.#owner)) {
      const item = this.#take()
      if (item !== undefined) this.#deliver(item)
      else if (this.#close_due === undefined) return
      else {
        const info = this.#close_due
        this.#close_due = undefined
        this.#call(undefined, info)
      }
    }
  }

  #deliver(item: Item): void {
    if (item.kind !== 'finished') this.#call(item.kind === 'message' ? item.data : undefined)
    else {
      this.#is_running = true
      this.#events.finished(this.#owner)
      this.#is_running = false
    }
  }

  /** Runs the callback for a message, for the end of the connection, or, with neither, for its opening. */
  #call(data?: Payload, info?: CloseInfo): void {
    this.#is_running = true
    let returned: unknown
    try {
      if (data !== undefined) returned = this.#events.on_message(this.#owner, data)
      else if (info !== undefined) returned = this.#events.on_close(this.#owner, info)
      else returned = this.#events.on_open(this.#owner)
    } catch (cause) {
      this.#failed(cause, data, info)
    }
    if (is_thenable(returned)) this.#await(returned, data, info)
    else this.#done(info)
  }

  #await(returned: PromiseLike<unknown>, data?: Payload, info?: CloseInfo): void {
    const finish = (): void => {
      this.#done(info)
      this.run()
    }
    Promise.resolve(returned).then(finish, cause => {
      this.#failed(cause, data, info)
      finish()
    })
  }

  #failed(cause: unknown, data?: Payload, info?: CloseInfo): void {
    const name = data !== undefined ? 'message' : info !== undefined ? 'close' : 'open'
    this.#events.callback_failed(this.#owner, name, cause)
  }

  #done(info?: CloseInfo): void {
    this.#is_running = false
    if (info !== undefined) this.#events.settled(this.#owner, info)
  }

  /**
   * Removes and returns the next item. Items other than messages are delivered even while no listener is
   * ready.
   */
  #take(): Item | undefined {
    const items = this.#items
    if (items === undefined) return undefined
    const item = items[this.#next] as Item
    if (item.kind === 'message' && this.#listener !== 'ready') {
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

  #push_other(item: Item): void {
    this.#others += 1
    this.#push(item)
    this.run()
  }

  #push(item: Item): void {
    this.#items ??= []
    this.#items.push(item)
    this.#bytes += item.cost_bytes
  }

  #resume_with_room(): void {
    if (!this.#is_paused || this.#bytes > INBOX_LIMIT_BYTES / 2) return
    this.#is_paused = false
    this.#events.resume_reading(this.#owner)
  }
}
