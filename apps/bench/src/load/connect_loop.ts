import type { LoadResult } from './client_group.js'
import { close_socket, open_socket, type Target } from './client_socket.js'

/** How connections are made one after another. */
export interface ConnectTask {
  /** How many are under way at any moment. */
  readonly at_a_time: number
  readonly run_ms: number
}

/** Connects, shakes hands and closes in order, again and again, several at a time. */
export async function run_connect_loop(
  target: Target,
  { at_a_time, run_ms }: ConnectTask,
): Promise<LoadResult> {
  const start = performance.now()
  let messages = 0
  const repeat = async (): Promise<void> => {
    while (performance.now() - start < run_ms) {
      await close_socket(await open_socket(target))
      messages += 1
    }
  }
  await Promise.all(Array.from({ length: at_a_time }, repeat))
  return { messages, elapsed_ms: performance.now() - start }
}
