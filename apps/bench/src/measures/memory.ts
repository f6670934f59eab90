import type { MemoryInUse } from '../subjects/memory.js'
import { listen, type Measure, open_load } from './measure.js'

/**
 * Connections that open and close first, because memory such as compiled code is not that of a connection.
 */
const WARM_UP_CONNECTIONS = 300

/** Measures the memory of a server per idle connection. */
export const memory: Measure = {
  name: 'memory',
  role: 'server',
  needs_fresh_process: true,
  applies_to: () => true,
  start: async stage => {
    const { program, load, settings } = stage
    const count = settings.idle_connections
    const port = await listen(program)
    return async () => {
      await open_load(stage, port, Math.min(count, WARM_UP_CONNECTIONS))
      await load.call('close')
      const before = await program.call<MemoryInUse>('memory')
      await open_load(stage, port, count)
      const after = await program.call<MemoryInUse>('memory')
      await program.stop()
      await load.call('drop')
      const figures = {
        heap_bytes_per_connection: (after.heap_bytes - before.heap_bytes) / count,
        rss_bytes_per_connection: (after.rss_bytes - before.rss_bytes) / count,
        connections: count,
        heap_bytes_before: before.heap_bytes,
        rss_bytes_before: before.rss_bytes,
      }
      return [{ group: '', case_name: 'idle', figures }]
    }
  },
}
