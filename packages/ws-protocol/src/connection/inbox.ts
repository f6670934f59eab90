import type { CloseInfo } from './close_info.js'

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
export type CallbackName = 'on_open' | 'on_message' | 'on_close'

/** A message, or without `data` an event: the opening of the connection, or a `task`. */
interface Item {
  readonly data?: Payload
  readonly task?: () => void
  readonly bytes: number
}

/**
 * Whether messages can be delivered: a callback, or a loop that awaits the next message, is `ready`; a loop
 * that does not is `busy`; `none` means that there is no listener yet. Messages wait unless the listener is
 * ready. The callbacks for opening and ending do not wait with them.
 */
export type ListenerState = 'ready' | 'busy' | 'none'

/** The user's callbacks. A promise that one returns is awaited before the next one runs. */
export interface InboxCallbacks<Handle> {
  /** Called first, when the connection opens, and again each time it reopens. */
  on_open(handle: Handle): unknown
  /** Called for each message. */
  on_message(handle: Handle, data: Payload): unknown
  /** Called last, once. */
  on_close(handle: Handle, info: CloseInfo): unknown
}

/** The owner of an inbox. */
export interface InboxOwner<Handle> {
  /** The object that the callbacks get. */
  readonly handle: Handle
}

/**
 * The events of an inbox. Each call passes the inbox's owner, so that all connections share one such object.
 */
export interface InboxEvents<Owner> {
  /** Returns whether a callback that is due may run now; if not, {@link Inbox.run} is called later. */
  may_run(owner: Owner): boolean
  /** A callback has thrown, or its promise was rejected. */
  report(owner: Owner, name: CallbackName, cause: unknown): void
  /** The inbox is full: the socket should stop reading. */
  pause(owner: Owner): void
  /** The inbox has room again: the socket should resume reading. */
  resume(owner: Owner): void
  /** The callback of the oldest message is done. */
  handled(owner: Owner): void
  /** The callback for the latest opening is done. */
  opened(owner: Owner): void
  /** The last callback is done. */
  settled(owner: Owner, info: CloseInfo): void
}

/**
 * Runs the callbacks of one connection one at a time, in order. While an async callback runs, messages wait
 * here; at {@link INBOX_LIMIT_BYTES}, the socket is paused until half of that is left. If nothing waits, a
 * callback is called directly, so the inbox costs a synchronous callback nothing.
 */
export class Inbox<Handle, Owner extends InboxOwner<Handle>> {
  readonly #owner: Owner
  readonly #callbacks: InboxCallbacks<Handle>
  readonly #events: InboxEvents<Owner>
  /** The state of the listener. When it becomes `ready`, {@link Inbox.run} delivers the waiting messages. */
  listener: ListenerState = 'ready'
  /** The waiting items, from {@link Inbox.#next} on; `undefined` if there are none. */
  #items: Item[] | undefined
  #next = 0
  /** The number of waiting events. */
  #waiting_events = 0
  #bytes = 0
  /** How the connection has ended, until that callback is called. */
  close_due: CloseInfo | undefined
  /** The callback that is running, or whose promise is pending. */
  running: CallbackName | undefined
  /** The number of callbacks so far. */
  calls = 0
  #is_paused = false

  constructor(owner: Owner, callbacks: InboxCallbacks<Handle>, events: InboxEvents<Owner>) {
    this.#owner = owner
    this.#callbacks = callbacks
    this.#events = events
  }

  /** Returns the memory of the waiting messages, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether a callback is running, or the promise that it returned is pending. */
  get is_running(): boolean {
    return this.running !== undefined
  }

  /** Whether the callback for the latest opening is running, or its promise is pending. */
  get is_opening(): boolean {
    // Not if it is that of an earlier connection, and that of the present one still waits.
    return this.running === 'on_open' && this.#waiting_events === 0
  }

  /** Whether messages, or the callback for opening, wait for the running one. */
  get is_waiting(): boolean {
    return this.#items !== undefined
  }

  /** Whether the socket was asked to stop reading. */
  get is_paused(): boolean {
    return this.#is_paused
  }

  /** Queues the callback for a connection that has opened, for the first time or again. */
  open(): void {
    this.#push_event({ bytes: 0 })
  }

  /** Runs `task` after the callbacks of all messages that have arrived. */
  after_messages(task: () => void): void {
    this.#push_event({ task, bytes: 0 })
  }

  /** Delivers or queues a message that takes `memory_bytes`. */
  message(data: Payload, memory_bytes: number): void {
    if (
      this.#items === undefined &&
      this.listener === 'ready' &&
      this.running === undefined &&
      this.#events.may_run(this.#owner)
    ) {
      this.#call('on_message', data)
      // Usually the callback has caused no further events.
      if (this.#items === undefined && this.close_due === undefined) return
    } else this.#push({ data, bytes: memory_bytes + ITEM_BYTES })
    this.run()
    if (this.#is_paused || this.#bytes < INBOX_LIMIT_BYTES) return
    this.#is_paused = true
    this.#events.pause(this.#owner)
  }

  /** Queues the callback for the end of the connection, which is the last one. */
  close(info: CloseInfo): void {
    this.close_due = info
    this.run()
  }

  /** Drops the waiting messages. */
  drop(): void {
    const events = this.#items?.slice(this.#next).filter(({ data }) => data === undefined)
    this.#items = events?.length ? events : undefined
    this.#next = this.#bytes = 0
    this.#resume_with_room()
    this.run()
  }

  /**
   * Runs the callbacks that are due. It is also called when they may run again after
   * {@link InboxEvents.may_run} returned `false`.
   */
  run(): void {
    while (this.running === undefined && this.#events.may_run(this.#owner)) {
      const item = this.#take()
      const info = this.close_due
      if (item?.task !== undefined) item.task()
      else if (item !== undefined) this.#call(item.data === undefined ? 'on_open' : 'on_message', item.data)
      else if (info === undefined) return
      else {
        this.close_due = undefined
        this.#call('on_close', undefined, info)
      }
    }
  }

  #call(name: CallbackName, data?: Payload, info?: CloseInfo): void {
    this.running = name
    this.calls += 1
    const { handle } = this.#owner
    let returned: unknown
    let is_promise = false
    try {
      if (data !== undefined) returned = this.#callbacks.on_message(handle, data)
      else if (info !== undefined) returned = this.#callbacks.on_close(handle, info)
      else returned = this.#callbacks.on_open(handle)
      // Of any kind; reading `then` may throw.
      is_promise = typeof (returned as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function'
    } catch (cause) {
      this.#failed(cause)
    }
    if (is_promise) this.#await(returned, info)
    else this.#done(info)
  }

  #await(returned: unknown, info?: CloseInfo): void {
    const finish = (): void => {
      this.#done(info)
      this.run()
    }
    Promise.resolve(returned).then(finish, cause => {
      this.#failed(cause)
      finish()
    })
  }

  #failed(cause: unknown): void {
    this.#events.report(this.#owner, this.running as CallbackName, cause)
  }

  #done(info?: CloseInfo): void {
    const { is_opening, running } = this
    this.running = undefined
    if (running === 'on_message') this.#events.handled(this.#owner)
    else if (is_opening) this.#events.opened(this.#owner)
    else if (info !== undefined) this.#events.settled(this.#owner, info)
  }

  /** Removes and returns the next item. Events do not wait for the listener. */
  #take(): Item | undefined {
    const items = this.#items
    if (items === undefined) return undefined
    const item = items[this.#next] as Item
    if (item.data !== undefined && this.listener !== 'ready') {
      if (this.#waiting_events === 0) return undefined
      this.#waiting_events -= 1
      const at = items.findIndex(({ data }, index) => index > this.#next && data === undefined)
      return items.splice(at, 1)[0]
    }
    if (item.data === undefined) this.#waiting_events -= 1
    this.#bytes -= item.bytes
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

  #push_event(event: Item): void {
    this.#waiting_events += 1
    this.#push(event)
    this.run()
  }

  #push(item: Item): void {
    this.#items ??= []
    this.#items.push(item)
    this.#bytes += item.bytes
  }

  #resume_with_room(): void {
    if (!this.#is_paused || this.#bytes > INBOX_LIMIT_BYTES / 2) return
    this.#is_paused = false
    this.#events.resume(this.#owner)
  }
}
