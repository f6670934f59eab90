/** Returns a generator of pseudo-random numbers from 0 up to 1, the same for each seed (mulberry32). */
export function seeded_random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** A new seed for each run. A failing test prints it, and `TEST_SEED=… npx vitest run` repeats the run. */
export const test_seed: number = Number(process.env.TEST_SEED ?? Date.now() % 0x1_0000_0000)
