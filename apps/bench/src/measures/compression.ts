import type { Shape } from '../wire/message.js'
import { measure_depths } from './echo.js'
import { listen, type Measure } from './measure.js'

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
    return () => measure_depths(stage, port, SHAPE, DEPTHS, { with_compression: true })
  },
}
