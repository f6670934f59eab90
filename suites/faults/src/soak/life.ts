import type { CloseInfo } from '@bt/net'

/** What a server knows of one connection, from its opening to its end. */
export interface ServerLife {
  readonly life: number
  /** The client that it belonged to. */
  readonly client: number
  /** Numbers of the first and the last message that came; -1 for none. */
  first: number
  last: number
  /** What `send` took, and what it gave back as an error. */
  taken: number
  refused: number
  /** Messages that did not follow the one before. */
  out_of_order: number
  is_closed_here: boolean
  info: CloseInfo | undefined
}

/** What the soak's server tells. */
export type ServerWord =
  | { readonly word: 'listening'; readonly addr: string }
  | { readonly word: 'life'; readonly life: ServerLife }
  | {
      readonly word: 'figures'
      readonly connections: number
      readonly heap_bytes: number
      readonly rss_bytes: number
      readonly descriptors: number
      readonly shed: number
      readonly errors: Readonly<Record<string, number>>
    }

/** What it is told. */
export type ServerOrder = 'measure' | 'start' | 'stop'

/** The same numbers from the same seed (mulberry32). */
export function seeded_random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** How often something is done in a second, and how often that is looked at. */
const TICK_MS = 20

/** Calls `send` so that it is called `per_second` times in a second, however late ticks are. Returns how to stop. */
export function keep_rate(per_second: number, send: () => void): () => void {
  const started_ms = performance.now()
  let done = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - started_ms) / 1_000) * per_second
    // After a long stop the rate is kept, and nothing is made good.
    if (due - done > per_second) done = due - per_second
    for (; done < due; done += 1) send()
  }, TICK_MS)
  return () => clearInterval(timer)
}
