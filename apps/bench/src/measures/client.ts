import type { LoadResult } from '../load/client_group.js'
import type { CaseFigures } from '../results.js'
import { type Shape, SMALL_TEXT } from '../wire/message.js'
import { connections_for, depth_case, sized_case } from './echo.js'
import { type Measure, type MeasuredLoad, type Stage, with_cpu_of } from './measure.js'

/** Measures the CPU time of a client per echoed message. The load is its server. */
export const client: Measure = {
  name: 'client',
  role: 'client',
  needs_fresh_process: false,
  applies_to: () => true,
  start: async stage => async () => {
    const { depths, sizes } = stage.settings
    const results = await measure_client(stage, SMALL_TEXT, depths, depth_case)
    for (const { bytes, depths } of sizes) {
      const case_name = (depth: number): string => sized_case(bytes, depth)
      results.push(...(await measure_client(stage, { kind: 'text', bytes }, depths.slice(-1), case_name)))
    }
    return results
  },
}

/** Measures a client at each depth, over new connections. */
async function measure_client(
  stage: Stage,
  shape: Shape,
  depths: readonly number[],
  case_name: (depth: number) => string,
): Promise<CaseFigures[]> {
  const { program, load, subject, settings } = stage
  const results: CaseFigures[] = []
  const port = await load.call<number>('serve', { dialect: subject.dialect, shape })
  await program.call('open', { port, count: connections_for(shape.bytes, settings.connections), shape })
  for (const depth of depths) {
    const run = async (run_ms: number): Promise<MeasuredLoad> => {
      const before = await load.cpu_us()
      const result = await program.call<LoadResult>('closed_loop', { shape, depth, run_ms }, run_ms)
      return { ...result, load_cpu_us: (await load.cpu_us()) - before }
    }
    await run(settings.settle_ms)
    const figures = await with_cpu_of(stage, () => run(settings.run_ms))
    results.push({ group: '', case_name: case_name(depth), figures })
  }
  await program.call('close')
  await load.call('stop_serving')
  return results
}
