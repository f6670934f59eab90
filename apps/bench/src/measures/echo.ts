import type { Shape } from '../wire/message.js'
import { type CaseFigures, listen, type Measure, measure_echo, open_load, type Stage } from './measure.js'

const TEXT: Shape = { kind: 'text', bytes: 64 }
const BINARY: Shape = { kind: 'binary', bytes: 64 }

/** What a message costs that comes back, with few or many under way: the more, the more there is to do at once. */
export const echo: Measure = {
  name: 'echo',
  role: 'server',
  needs_fresh_process: false,
  suits: () => true,
  start: async stage => {
    const text = await listen(stage.program)
    const binary = await listen(stage.program, { is_binary: true })
    return async () => {
      const { depths } = stage.settings
      const figures = await measure_depths(stage, text, TEXT, depths)
      const most = depths.slice(-1)
      return [...figures, ...(await measure_depths(stage, binary, BINARY, most))]
    }
  },
}

async function measure_depths(
  stage: Stage,
  port: number,
  shape: Shape,
  depths: readonly number[],
): Promise<CaseFigures[]> {
  const results: CaseFigures[] = []
  await open_load(stage, port, stage.settings.connections)
  for (const depth of depths)
    results.push({
      case_name: `${depth} under way${shape.kind === 'binary' ? ', binary' : ''}`,
      figures: await measure_echo(stage, { shape, depth, run_ms: stage.settings.run_ms }),
    })
  await stage.load.call('close')
  return results
}
