import type { Shape } from '../wire/message.js'
import { depth_case } from './echo.js'
import { type CaseFigures, listen, type Measure, measure_echo, open_load } from './measure.js'

const SHAPE: Shape = { kind: 'text', bytes: 1024, is_compressed: true }
const DEPTHS = [1, 8] as const

/** What echo costs where messages are compressed, both ways. */
export const compression: Measure = {
  name: 'compression',
  role: 'server',
  needs_fresh_process: false,
  typical_s: 2,
  suits: subject => subject.can_compress,
  start: async stage => {
    const port = await listen(stage.program, { is_compressing: true })
    return async () => {
      const results: CaseFigures[] = []
      await open_load(stage, port, stage.settings.connections, true)
      for (const depth of DEPTHS)
        results.push({
          group: '',
          case_name: depth_case(depth),
          figures: await measure_echo(stage, { shape: SHAPE, depth }),
        })
      await stage.load.call('close')
      return results
    }
  },
}
