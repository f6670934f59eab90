import { existsSync, readFileSync } from 'node:fs'

/** The memory of a process. */
export interface MemoryInUse {
  /** The resident memory. */
  readonly rss_bytes: number
  /** The used heap of its JavaScript engine. */
  readonly heap_bytes: number
}

declare const Bun: { gc(is_synchronous: boolean): void } | undefined

const STATUS = '/proc/self/status'
const COLLECTIONS = 5
const PAUSE_MS = 30

/** Collects garbage several times, and resolves with the memory that is still in use. */
export async function memory_in_use(): Promise<MemoryInUse> {
  for (let done = 0; done < COLLECTIONS; done += 1) {
    if (typeof Bun === 'object') Bun.gc(true)
    else globalThis.gc?.()
    // Finalizers may release more memory in a later turn.
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
