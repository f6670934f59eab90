import { type Shape, SMALL_TEXT } from '../wire/message.js'
import { type CaseFigures, listen, type Measure, measure_echo, open_load, type Stage } from './measure.js'

const BINARY: Shape = { ...SMALL_TEXT, kind: 'binary' }

/** What a message costs that comes back, with few or many under way: the more, the more there is to do at once. */
export const echo: Measure = {
  name: 'echo',
  role: 'server',
  needs_fresh_process: false,
  typical_s: 4,
  suits: () => true,
  start: async stage => {
    const { depths } = stage.settings
    const text_port = await listen(stage.program)
    const binary_port = await listen(stage.program, { is_binary: true })
    return async () => [
      ...(await measure_depths(stage, text_port, SMALL_TEXT, depths)),
      ...(stage.settings.only_texts
        ? []
        : await measure_depths(stage, binary_port, BINARY, depths.slice(-1))),
    ]
  },
}

/** The name of a case with so many messages under way on each connection. */
export function depth_case(depth: number): string {
  return `${depth} under way`
}

/** Measures echo with so many messages under way, for each of these depths, over connections of its own. */
export async function measure_depths(
  stage: Stage,
  port: number,
  shape: Shape,
  depths: readonly number[],
  how: Parameters<typeof open_load>[3] = {},
): Promise<CaseFigures[]> {
  const results: CaseFigures[] = []
  await open_load(stage, port, stage.settings.connections, how)
  for (const depth of depths)
    results.push({
      group: '',
      case_name: shape.kind === 'text' ? depth_case(depth) : `${depth_case(depth)}, binary`,
      figures: await measure_echo(stage, { shapes: [shape], depth }),
    })
  await stage.load.call('close')
  return results
}
