/**
 * Does what callbacks do, by chance: most return at once, others settle later, and some throw or reject. Runs in
 * Node and in a page.
 */
export function run_callback(random: () => number): Promise<void> | undefined {
  const kind = random()
  if (kind < 0.6) return undefined
  if (kind < 0.8) return Promise.resolve()
  if (kind < 0.9) return after(0)
  if (kind < 0.98) return after(random() * 5)
  if (kind < 0.99) throw new Error('thrown by a callback on purpose')
  return Promise.reject(new Error('rejected by a callback on purpose'))
}

function after(delay_ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, delay_ms))
}

/** Returns how many messages a side sends at once: mostly none or one, and a burst now and then. */
export function burst_size(random: () => number): number {
  const kind = random()
  if (kind < 0.5) return 0
  if (kind < 0.97) return 1
  return Math.floor(random() * 40)
}
