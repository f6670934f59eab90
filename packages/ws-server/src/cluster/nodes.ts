import { type CancelTimer, type Clock, start_peer_timeout } from '@bt/ws-protocol/internal'

const HEARTBEAT_INTERVAL_MS = 5_000
/**
 * The number of missed heartbeats after which a server counts as gone. They are counted rather than timed, so
 * that a process that was suspended first reads the heartbeats that arrived in the meantime.
 */
const MAX_MISSED_HEARTBEATS = 3
/** The longest delay of a reply. One reply answers all requests that arrive during the delay. */
const MAX_REPLY_DELAY_MS = 250
/** The limit of known servers: anything that may publish at the broker could announce any number of them. */
const MAX_NODES = 10_000
/**
 * How long servers that were known before an outage may take to come back: twice the longest delay between
 * attempts to connect.
 */
const RETURN_TIMEOUT_MS = 10_000

/** A server of a cluster. */
export interface ClusterNode {
  /** Its identifier, unique across all servers. */
  readonly id: string
  /** Whether it is this server. */
  readonly is_self: boolean
  /** How many sockets it has, or had according to its last report; servers report every 5 seconds. */
  readonly sockets: number
}

/** The settings of {@link Nodes}. */
export interface NodesSettings {
  /** The identifier of this server. */
  readonly self: string
  readonly clock: Clock
}

/** The events of {@link Nodes}. */
export interface NodesEvents {
  /** Returns the number of sockets of this server. */
  sockets(): number
  /** A server has left, or was silent for too long. */
  left(id: string): void
  /** Announces this server to all others, and asks them to announce themselves if `wants_replies`. */
  announce(sockets: number, wants_replies: boolean): void
}

/** The servers of a cluster, as they announce themselves. */
export class Nodes {
  readonly #settings: NodesSettings
  readonly #events: NodesEvents
  readonly #others = new Map<string, { sockets: number; missed: number }>()
  #cancel_heartbeat: CancelTimer | undefined
  #cancel_reply: CancelTimer | undefined
  /** Servers that were known before the broker was lost, and have not announced themselves since. */
  #missing = new Set<string>()
  /** Called once no server is missing. */
  #on_all_back: (() => void) | undefined
  #cancel_wait: CancelTimer | undefined

  constructor(settings: NodesSettings, events: NodesEvents) {
    this.#settings = settings
    this.#events = events
  }

  /** The number of servers, this one included. */
  get size(): number {
    return this.#others.size + 1
  }

  /** Returns all servers, this one first. */
  list(): ClusterNode[] {
    const others = Array.from(this.#others, ([id, node]) => ({ id, is_self: false, sockets: node.sockets }))
    return [{ id: this.#settings.self, is_self: true, sockets: this.#events.sockets() }, ...others]
  }

  /**
   * Starts to announce this server. `on_all_back` is called once all servers from before the outage are back,
   * or have timed out.
   */
  start(on_all_back: () => void): void {
    const { clock } = this.#settings
    this.#cancel_heartbeat = clock.start_timer(HEARTBEAT_INTERVAL_MS, () => this.#send_heartbeat())
    this.#on_all_back = on_all_back
    this.#cancel_wait = start_peer_timeout(clock, RETURN_TIMEOUT_MS, () => this.#remove_missing())
    this.#events.announce(this.#events.sockets(), true)
    this.#check_all_back()
  }

  /** Stops when the connection to the broker ends. */
  stop(): void {
    this.#cancel_heartbeat?.()
    this.#cancel_reply?.()
    this.#cancel_wait?.()
    this.#cancel_reply = this.#on_all_back = undefined
    this.#missing = new Set(this.#others.keys())
  }

  /**
   * Handles the announcement of a server. Returns `false` if it is new and the limit of known servers is
   * reached.
   */
  on_present(id: string, sockets: number, wants_replies: boolean): boolean {
    if (!this.#others.has(id) && this.size >= MAX_NODES) return false
    this.#others.set(id, { sockets, missed: 0 })
    this.#remove_from_missing(id)
    if (wants_replies)
      this.#cancel_reply ??= this.#settings.clock.start_timer(Math.random() * MAX_REPLY_DELAY_MS, () => {
        this.#cancel_reply = undefined
        this.#events.announce(this.#events.sockets(), false)
      })
    return true
  }

  /** Whether a server is known to be running. */
  has(id: string): boolean {
    return this.#others.has(id)
  }

  remove(id: string): void {
    if (this.#others.delete(id)) this.#events.left(id)
    this.#remove_from_missing(id)
  }

  #remove_from_missing(id: string): void {
    if (this.#missing.delete(id)) this.#check_all_back()
  }

  #remove_missing(): void {
    for (const id of this.#missing) if (this.#others.delete(id)) this.#events.left(id)
    this.#missing.clear()
    this.#check_all_back()
  }

  #check_all_back(): void {
    if (this.#missing.size > 0) return
    const on_all_back = this.#on_all_back
    this.#on_all_back = undefined
    this.#cancel_wait?.()
    on_all_back?.()
  }

  #send_heartbeat(): void {
    for (const [id, node] of this.#others) {
      node.missed += 1
      if (node.missed > MAX_MISSED_HEARTBEATS) this.remove(id)
    }
    this.#events.announce(this.#events.sockets(), false)
    this.#cancel_heartbeat = this.#settings.clock.start_timer(HEARTBEAT_INTERVAL_MS, () =>
      this.#send_heartbeat(),
    )
  }
}
