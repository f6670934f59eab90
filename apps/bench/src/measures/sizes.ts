import type { Settings } from '../settings.js'
import { depth_case } from './echo.js'
import { type CaseFigures, listen, type Measure, measure_echo, open_load } from './measure.js'

const KIB = 1024
const DEPTHS = [1, 8] as const

/** What echo costs by the size of the message. */
export const sizes: Measure = {
  name: 'sizes',
  role: 'server',
  needs_fresh_process: false,
  typical_s: 10,
  suits: () => true,
  start: async stage => {
    const port = await listen(stage.program)
    return async () => {
      const results: CaseFigures[] = []
      for (const bytes of stage.settings.sizes_bytes) {
        await open_load(stage, port, connections_for(bytes, stage.settings))
        for (const depth of DEPTHS)
          results.push({
            group: depth_case(depth),
            case_name: size_case(bytes),
            figures: await measure_echo(stage, { shape: { kind: 'text', bytes }, depth }),
          })
        await stage.load.call('close')
      }
      return results
    }
  },
}

/** The name of a case with messages of that size. */
export function size_case(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`
  return bytes < KIB * KIB ? `${bytes / KIB} KiB` : `${bytes / KIB / KIB} MiB`
}

/** Fewer for large messages, so that what is under way at once stays within what caches and the kernel's buffers hold of any server. */
function connections_for(bytes: number, { connections }: Settings): number {
  if (bytes <= KIB) return connections
  return Math.min(connections, bytes < KIB * KIB ? 16 : 2)
}
