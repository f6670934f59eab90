/** What runs beside the bench, and ends with it. */
export interface Stoppable {
  stop(): Promise<void>
}

/** Everything that was started and has not ended. */
export const running: Set<Stoppable> = new Set()

/** Ends everything that runs. */
export async function stop_all(): Promise<void> {
  await Promise.all([...running].map(thing => thing.stop()))
}
