import fc from 'fast-check'

/** How long a property is tested, and how long one run of it may take. */
const TIME_MS = 2_000
const RUN_TIME_MS = 10_000

const seed = Number(process.env.TEST_SEED ?? Date.now() % 0x8000_0000)
console.log(`Seed ${seed}: TEST_SEED=${seed} npx vitest run fuzz repeats it`)

/**
 * Runs a property until its time is up, and prints how often it ran. A failure prints the seed, the path and
 * the smallest example.
 */
export async function fuzz<Values>(
  name: string,
  property: fc.IAsyncPropertyWithHooks<Values>,
): Promise<void> {
  let runs = 0
  await fc.assert(
    property.beforeEach(() => void runs++),
    {
      seed,
      numRuns: 1_000_000,
      interruptAfterTimeLimit: TIME_MS,
      timeout: RUN_TIME_MS,
    },
  )
  console.log(`${name}: ${runs} runs`)
}
