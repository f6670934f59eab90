import type { CancelTimer, Clock } from '@bt/ws-protocol'

/** How often a server says that it is there. */
const BEAT_MS = 5_000
/** Who was not heard of for so many beats in a row is not there. Beats are counted, so that a process that was stopped hears first what came meanwhile. */
const MOST_MISSED = 3
/** Who asks is answered within this time, and all who ask meanwhile with one answer. */
const ANSWER_WITHIN_MS = 250

/** A server of a cluster. */
export interface ClusterNode {
  /** Its name, which no other ever has. */
  readonly id: string
  /** Whether it is this server. */
  readonly is_self: boolean
  /** How many sockets it has, or had when it was last heard of: that is told every 5 seconds. */
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

  /** The others can be heard, and hear this server. */
  start(): void {
    this.#settings.tell(this.#settings.sockets(), true)
    this.#cancel_beat ??= this.#settings.clock.start_timer(BEAT_MS, () => this.#beat())
  }

  /** This server says nothing more. */
  stop(): void {
    this.#cancel_beat?.()
    this.#cancel_answer?.()
    this.#cancel_beat = this.#cancel_answer = undefined
  }

  /** A server has said that it is there. */
  heard(id: string, sockets: number, asks: boolean): void {
    this.#others.set(id, { sockets, missed: 0 })
    if (!asks) return
    this.#cancel_answer ??= this.#settings.clock.start_timer(Math.random() * ANSWER_WITHIN_MS, () => {
      this.#cancel_answer = undefined
      this.#settings.tell(this.#settings.sockets(), false)
    })
  }

  /** A server has left. */
  left(id: string): void {
    this.#others.delete(id)
  }

  #beat(): void {
    for (const [id, node] of this.#others) {
      node.missed += 1
      if (node.missed > MOST_MISSED) this.#others.delete(id)
    }
    this.#settings.tell(this.#settings.sockets(), false)
    this.#cancel_beat = this.#settings.clock.start_timer(BEAT_MS, () => this.#beat())
  }
}
