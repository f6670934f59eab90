import type { LoadResult } from '../load/closed_loop.js'
import { SMALL_TEXT } from '../wire/message.js'
import { depth_case } from './echo.js'
import { type CaseFigures, type Measure, type MeasuredLoad, with_cpu_of } from './measure.js'

/** What a message there and back costs the client that sends it; the other side is the load. */
export const client: Measure = {
  name: 'client',
  role: 'client',
  needs_fresh_process: false,
  typical_s: 3,
  suits: () => true,
  start: async stage => {
    const { program, load, subject, settings } = stage
    return async () => {
      const results: CaseFigures[] = []
      const port = await load.call<number>('serve', { dialect: subject.dialect, shape: SMALL_TEXT })
      await program.call('open', { port, count: settings.connections, shape: SMALL_TEXT })
      for (const depth of settings.depths) {
        const run = async (run_ms: number): Promise<MeasuredLoad> => {
          const before = await load.call<number>('cpu')
          const result = await program.call<LoadResult>(
            'closed_loop',
            { shape: SMALL_TEXT, depth, run_ms },
            run_ms,
          )
          return { ...result, load_cpu_us: (await load.call<number>('cpu')) - before }
        }
        await run(settings.settle_ms)
        const figures = await with_cpu_of(stage, () => run(settings.run_ms))
        results.push({ group: '', case_name: depth_case(depth), figures })
      }
      await program.call('close')
      await load.call('stop_serving')
      return results
    }
  },
}
