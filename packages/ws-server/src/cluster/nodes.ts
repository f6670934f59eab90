import { type CancelTimer, type Clock, start_peer_timeout } from '@bt/ws-protocol/internal'

/** How often a server says that it is there. */
const BEAT_MS = 5_000
/** Who was not heard of for so many beats in a row is not there. Beats are counted, so that a process that was stopped hears first what came meanwhile. */
const MOST_MISSED = 3
/** Who asks is answered within this time, and all who ask meanwhile with one answer. */
const ANSWER_WITHIN_MS = 250
/** No cluster has more servers, since each hears from all others every 5 seconds; whoever may publish at the broker can invent any number. */
const MOST_KNOWN = 10_000
/** Who was there before the broker was lost should be back by then: the longest wait between attempts to connect, and as much again. */
const BACK_WITHIN_MS = 10_000

/** A server of a cluster. */
export interface ClusterNode {
  /** Its identifier, unique across all servers. */
  readonly id: string
  /** Whether it is this server. */
  readonly is_self: boolean
  /** How many sockets it has, or had according to its last report; servers report every 5 seconds. */
  readonly sockets: number
}

/** What {@link Nodes} need to know, and whom they tell. */
export interface NodesSettings {
  /** The name of this server. */
  readonly self: string
  /** Time, and timers. */
  readonly clock: Clock
  /** How many sockets this server has. */
  sockets(): number
  /** Says to all others that this server is there; with `asks`, that they should say so, too. */
  tell(sockets: number, asks: boolean): void
}

/** Which servers there are, by what they say of themselves. */
export class Nodes {
  readonly #settings: NodesSettings
  readonly #others = new Map<string, { sockets: number; missed: number }>()
  #cancel_beat: CancelTimer | undefined
  #cancel_answer: CancelTimer | undefined
  /** Who was there before the broker was lost, and has not been heard of since; and who is told when there is nobody of that kind. */
  #missing = new Set<string>()
  #all_back: (() => void) | undefined
  #cancel_wait: CancelTimer | undefined

  constructor(settings: NodesSettings) {
    this.#settings = settings
  }

  /** How many there are, this server included. */
  get size(): number {
    return this.#others.size + 1
  }

  /** All of them, this server first. */
  list(): ClusterNode[] {
    const { self, sockets } = this.#settings
    const others = Array.from(this.#others, ([id, node]) => ({ id, is_self: false, sockets: node.sockets }))
    return [{ id: self, is_self: true, sockets: sockets() }, ...others]
  }

  /** The others can be heard, and hear this server. `all_back`: called once those are heard of again who were there before, or are given up. */
  start(all_back: () => void): void {
    const { clock, sockets, tell } = this.#settings
    this.#cancel_beat = clock.start_timer(BEAT_MS, () => this.#beat())
    this.#all_back = all_back
    this.#cancel_wait = start_peer_timeout(clock, BACK_WITHIN_MS, () => this.#give_up_missing())
    tell(sockets(), true)
    this.#tell_if_all_back()
  }

  /** The others can no longer be heard. */
  stop(): void {
    this.#cancel_beat?.()
    this.#cancel_answer?.()
    this.#cancel_wait?.()
    this.#cancel_answer = this.#all_back = undefined
    this.#missing = new Set(this.#others.keys())
  }

  /** A server has said that it is there; returns `false` if there are too many to remember one more. */
  heard(id: string, sockets: number, asks: boolean): boolean {
    if (!this.#others.has(id) && this.size >= MOST_KNOWN) return false
    this.#others.set(id, { sockets, missed: 0 })
    this.#found(id)
    if (asks)
      this.#cancel_answer ??= this.#settings.clock.start_timer(Math.random() * ANSWER_WITHIN_MS, () => {
        this.#cancel_answer = undefined
        this.#settings.tell(this.#settings.sockets(), false)
      })
    return true
  }

  /** A server has left. */
  left(id: string): void {
    this.#others.delete(id)
    this.#found(id)
  }

  #found(id: string): void {
    if (this.#missing.delete(id)) this.#tell_if_all_back()
  }

  #give_up_missing(): void {
    for (const id of this.#missing) this.#others.delete(id)
    this.#missing.clear()
    this.#tell_if_all_back()
  }

  #tell_if_all_back(): void {
    if (this.#missing.size > 0) return
    const all_back = this.#all_back
    this.#all_back = undefined
    this.#cancel_wait?.()
    all_back?.()
  }

  #beat(): void {
    for (const [id, node] of this.#others) {
      node.missed += 1
      if (node.missed > MOST_MISSED) this.left(id)
    }
    this.#settings.tell(this.#settings.sockets(), false)
    this.#cancel_beat = this.#settings.clock.start_timer(BEAT_MS, () => this.#beat())
  }
}
