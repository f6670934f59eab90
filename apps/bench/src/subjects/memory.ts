import { existsSync, readFileSync } from 'node:fs'

/** What a process holds, in bytes. */
export interface MemoryInUse {
  /** What the system has given it. */
  readonly rss_bytes: number
  /** What is alive in the heap of its JavaScript engine. */
  readonly heap_bytes: number
}

declare const Bun: { gc(is_synchronous: boolean): void } | undefined

const STATUS = '/proc/self/status'
const COLLECTIONS = 5
const PAUSE_MS = 30

/** Collects garbage several times, and returns what is left. */
export async function memory_in_use(): Promise<MemoryInUse> {
  for (let done = 0; done < COLLECTIONS; done += 1) {
    if (typeof Bun === 'object') Bun.gc(true)
    else globalThis.gc?.()
    // What a collection has found to be garbage may release more, a turn later.
    await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
  }
  const { rss, heapUsed } = process.memoryUsage()
  return { rss_bytes: resident_bytes() ?? rss, heap_bytes: heapUsed }
}

function resident_bytes(): number | undefined {
  if (!existsSync(STATUS)) return undefined
  const kib = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(STATUS, 'utf8'))?.[1]
  return kib === undefined ? undefined : Number(kib) * 1024
}
