import type { Settings } from '../settings.js'
import { MIXED, type Shape } from '../wire/message.js'
import { depth_case } from './echo.js'
import { type CaseFigures, listen, type Measure, measure_echo, open_load } from './measure.js'

const KIB = 1024
const MIXED_DEPTH = 8

/** The group of the texts that have one size. */
export const TEXTS = 'texts'

/** What is echoed over connections of its own, at each of these depths. */
interface SizeCase {
  readonly group: string
  readonly name: string
  readonly is_binary: boolean
  readonly connections: number
  readonly shapes: readonly Shape[]
  readonly depths: readonly number[]
}

/** What echo costs by the size of the message. */
export const sizes: Measure = {
  name: 'sizes',
  role: 'server',
  needs_fresh_process: false,
  typical_s: 15,
  suits: () => true,
  start: async stage => {
    const { load, program, settings, subject } = stage
    const text_port = await listen(program)
    const binary_port = await listen(program, { is_binary: true })
    // Bare TCP answers by counting bytes, and so only messages of one size.
    const cases = cases_of(settings).filter(({ shapes }) => shapes.length === 1 || subject.name !== 'raw')
    return async () => {
      const results: CaseFigures[] = []
      for (const { group, name, is_binary, connections, shapes, depths } of cases) {
        await open_load(stage, is_binary ? binary_port : text_port, connections)
        for (const depth of depths) {
          const figures = await measure_echo(stage, { shapes, depth })
          results.push({ group, case_name: sized_case(name, depth), figures })
        }
        await load.call('close')
      }
      return results
    }
  },
}

/** Texts of each size; then, unless texts are all that is wanted, as many bytes, and texts of mixed sizes. */
function cases_of({ sizes, connections, only_texts }: Settings): SizeCase[] {
  const texts = sizes.map(
    ({ bytes, depths }): SizeCase => ({
      group: TEXTS,
      name: size_case(bytes),
      is_binary: false,
      connections: connections_for(bytes, connections),
      shapes: [{ kind: 'text', bytes }],
      depths,
    }),
  )
  if (only_texts) return texts
  const binary = texts.map(
    (text): SizeCase => ({
      ...text,
      group: 'bytes',
      is_binary: true,
      shapes: text.shapes.map(shape => ({ ...shape, kind: 'binary' })),
      depths: text.depths.slice(-1),
    }),
  )
  const mixed = { name: '90 % 64 B, 9 % 1 KiB, 1 % 64 KiB', shapes: MIXED, depths: [MIXED_DEPTH] }
  return [...texts, ...binary, { ...mixed, group: 'mixed sizes', is_binary: false, connections }]
}

/** The name of a case with messages of that size, and so many of them under way on each connection. */
export function sized_case(size: string, depth: number): string {
  return `${size}, ${depth_case(depth)}`
}

/** How a size is written. */
export function size_case(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`
  return bytes < KIB * KIB ? `${bytes / KIB} KiB` : `${bytes / KIB / KIB} MiB`
}

/** Fewer for large messages, so that what is under way at once stays within what caches and the kernel's buffers hold of any server. */
export function connections_for(bytes: number, connections: number): number {
  if (bytes <= KIB) return connections
  return Math.min(connections, bytes < 256 * KIB ? 16 : bytes < KIB * KIB ? 4 : 2)
}
