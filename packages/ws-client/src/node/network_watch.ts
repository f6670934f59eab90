import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import type { NetError } from '@bt/ws-protocol'
import { is_loopback_host, type Platform } from '@bt/ws-protocol/internal'
import { decisive_error, type SystemError } from '@bt/ws-protocol/internal/node'

const TICK_MS = 1_000
/** A tick that is this much late has missed time: the process was suspended, or busy for that long. */
const JUMP_MS = 4_000

/**
 * Failures that a machine without a network causes. With another one, something has answered, or the way there
 * exists.
 */
const OFFLINE_CODES: ReadonlySet<string | undefined> = new Set([
  'ENETUNREACH',
  'ENETDOWN',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** How many errors are looked at, each the cause of the one before. */
const MAX_CAUSES = 5

/** What a {@link NetworkWatch} needs of the system. */
export interface NetworkSource {
  interfaces(): NodeJS.Dict<NetworkInterfaceInfo[]>
  /** Returns the time of the wall clock, in milliseconds, which goes on while the process is suspended. */
  now_ms(): number
  /** Calls `task` regularly, without keeping the process alive at first. */
  every(ms: number, task: () => void): Ticks
}

/** Regular calls of a task. */
export interface Ticks {
  /** Sets whether they keep the process alive. */
  keep_alive(is_kept: boolean): void
  stop(): void
}

/**
 * Tells clients when there is no network, and when they should look after their connections. One timer serves
 * all of them, while there are any.
 */
export class NetworkWatch implements Required<Pick<Platform, 'is_offline' | 'is_cut_off' | 'watch_wakeups'>> {
  readonly #source: NetworkSource
  readonly #tasks = new Set<() => void>()
  #ticks: Ticks | undefined
  #ticked_ms = 0
  /** Whether a client was told that there is no network, so that its return has to be noticed. */
  #was_offline = false

  constructor(source: NetworkSource) {
    this.#source = source
  }

  /** Takes both the failure and the interfaces into account: either alone can mislead in a container. */
  readonly is_offline = (error?: NetError): boolean => {
    if (error === undefined || !is_unreachable(error) || this.#has_network()) return false
    this.#set_offline(true)
    return true
  }

  readonly is_cut_off = (url: string, error?: NetError): boolean => !is_local(url) && this.is_offline(error)

  readonly watch_wakeups = (task: () => void): (() => void) => {
    // The same function may be given twice.
    const own_task = (): void => task()
    this.#tasks.add(own_task)
    if (this.#ticks === undefined) {
      this.#ticked_ms = this.#source.now_ms()
      this.#ticks = this.#source.every(TICK_MS, () => this.#tick())
    }
    return () => {
      this.#tasks.delete(own_task)
      if (this.#tasks.size > 0) return
      this.#ticks?.stop()
      this.#ticks = undefined
    }
  }

  #tick(): void {
    const now_ms = this.#source.now_ms()
    const was_suspended = now_ms - this.#ticked_ms > TICK_MS + JUMP_MS
    this.#ticked_ms = now_ms
    const is_back = this.#was_offline && this.#has_network()
    if (is_back) this.#set_offline(false)
    if (was_suspended || is_back) for (const task of [...this.#tasks]) task()
  }

  /** A client that waits for the network has no other timer, and the process must not end meanwhile. */
  #set_offline(is_offline: boolean): void {
    this.#was_offline = is_offline
    this.#ticks?.keep_alive(is_offline)
  }

  /** Whether there is an interface to other machines. A list that shows none at all says nothing. */
  #has_network(): boolean {
    const interfaces = Object.values(this.#source.interfaces()).flat()
    return interfaces.length === 0 || interfaces.some(shown => shown?.internal === false)
  }
}

/**
 * Returns whether an error was caused by such a failure. `fetch` and functions that call it wrap the error of
 * the system; a chain of causes may be circular.
 */
function is_unreachable({ cause }: Error, depth = 1): boolean {
  if (!(cause instanceof Error)) return false
  if (OFFLINE_CODES.has(decisive_error(cause as SystemError).code)) return true
  return depth < MAX_CAUSES && is_unreachable(cause, depth + 1)
}

function is_local(url: string): boolean {
  if (url === '') return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'ws+unix:' || is_loopback_host(hostname)
}

// The real functions, since tests replace them by fake ones.
const { setInterval, clearInterval } = globalThis
const { now } = Date

/** The network of this machine. */
export const network_watch: NetworkWatch = new NetworkWatch({
  interfaces: () => {
    try {
      return networkInterfaces()
    } catch {
      // Some sandboxes do not allow it.
      return {}
    }
  },
  now_ms: () => now(),
  every(ms, task) {
    const timer = setInterval(task, ms).unref()
    return {
      keep_alive: is_kept => void (is_kept ? timer.ref() : timer.unref()),
      stop: () => clearInterval(timer),
    }
  },
})
