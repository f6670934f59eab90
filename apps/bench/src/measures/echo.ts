import type { Target } from '../load/client_socket.js'
import type { CaseFigures } from '../results.js'
import type { Settings } from '../settings.js'
import type { ListenSettings } from '../subjects/server_subject.js'
import type { Subject } from '../subjects/subjects.js'
import { MIXED, type Shape, SMALL_TEXT } from '../wire/message.js'
import { listen, type Measure, measure_echo, open_load, type Stage } from './measure.js'

const KIB = 1024
const MIXED_DEPTH = 8
const COMPRESSED: Shape = { kind: 'text', bytes: KIB, is_compressed: true }

/** The script that makes certificates, here and in tests. */
interface CertificateScript {
  readonly make_self_signed: () => Promise<{ readonly cert: string; readonly key: string }>
}

const CERTIFICATES = new URL('../../../../packages/test-support/src/certificates.mjs', import.meta.url)

/** What is echoed over connections of its own, at each of these depths. */
interface EchoCase {
  readonly group: string
  readonly name: (depth: number) => string
  readonly connections: number
  readonly shapes: readonly Shape[]
  readonly depths: readonly number[]
}

/** What sets one measure of echo apart from the others. */
interface EchoMeasure extends Pick<Measure, 'name'> {
  readonly suits?: (subject: Subject) => boolean
  readonly cases: (settings: Settings, subject: Subject) => readonly EchoCase[]
  readonly listener?: () => Promise<Partial<ListenSettings>>
  readonly how?: Pick<Target, 'with_tls' | 'with_compression'>
}

/** What an echoed message costs, with few or many under way on each connection. */
export const echo: Measure = echo_measure({
  name: 'echo',
  cases: settings => {
    const texts = depths_case(settings, SMALL_TEXT)
    if (settings.only_texts) return [texts]
    const binary = {
      name: (depth: number) => `${depth_case(depth)}, binary`,
      shapes: [{ ...SMALL_TEXT, kind: 'binary' }],
      depths: settings.depths.slice(-1),
    } as const
    return [texts, { ...texts, ...binary }]
  },
})

/** What echo costs by the size of the message. */
export const sizes: Measure = echo_measure({ name: 'sizes', cases: size_cases })

/** What echo costs over TLS. */
export const tls: Measure = echo_measure({
  name: 'tls',
  cases: settings => [depths_case(settings, SMALL_TEXT)],
  listener: async () => {
    const { make_self_signed } = (await import(CERTIFICATES.href)) as CertificateScript
    return { tls: await make_self_signed() }
  },
  how: { with_tls: true },
})

/** What echo costs if messages are compressed in both directions. */
export const compression: Measure = echo_measure({
  name: 'compression',
  suits: subject => subject.can_compress,
  cases: settings => [{ ...depths_case(settings, COMPRESSED), depths: [1, 8] }],
  listener: async () => ({ is_compressing: true }),
  how: { with_compression: true },
})

function echo_measure({ name, suits, cases, listener, how }: EchoMeasure): Measure {
  return {
    name,
    role: 'server',
    needs_fresh_process: false,
    suits: suits ?? (() => true),
    start: async stage => {
      const { program, settings, subject } = stage
      const how_to_listen = await listener?.()
      const all = cases(settings, subject)
      const text_port = await listen(program, how_to_listen)
      const binary_port = all.some(is_binary)
        ? await listen(program, { ...how_to_listen, is_binary: true })
        : text_port
      return async () => {
        const results: CaseFigures[] = []
        for (const each of all) {
          const port = is_binary(each) ? binary_port : text_port
          results.push(...(await measure_case(stage, port, each, how)))
        }
        return results
      }
    },
  }
}

async function measure_case(
  stage: Stage,
  port: number,
  { group, name, connections, shapes, depths }: EchoCase,
  how: EchoMeasure['how'],
): Promise<CaseFigures[]> {
  const results: CaseFigures[] = []
  await open_load(stage, port, connections, how)
  for (const depth of depths)
    results.push({ group, case_name: name(depth), figures: await measure_echo(stage, { shapes, depth }) })
  await stage.load.call('close')
  return results
}

function is_binary({ shapes }: EchoCase): boolean {
  return shapes[0]?.kind === 'binary'
}

function depths_case({ connections, depths }: Settings, shape: Shape): EchoCase {
  return { group: '', name: depth_case, connections, shapes: [shape], depths }
}

/** Texts of each size; then, unless only texts are measured, bytes, and texts of mixed sizes. */
function size_cases({ sizes, connections, only_texts }: Settings, subject: Subject): EchoCase[] {
  const cases_of = (kind: Shape['kind']): EchoCase[] =>
    sizes.map(({ bytes, depths }) => ({
      group: kind === 'text' ? 'texts' : 'bytes',
      name: depth => sized_case(bytes, depth),
      connections: connections_for(bytes, connections),
      shapes: [{ kind, bytes }],
      depths: kind === 'text' ? depths : depths.slice(-1),
    }))
  if (only_texts) return cases_of('text')
  const mixed: EchoCase = {
    group: 'mixed sizes',
    name: depth => `90 % 64 B, 9 % 1 KiB, 1 % 64 KiB, ${depth_case(depth)}`,
    connections,
    shapes: MIXED,
    depths: [MIXED_DEPTH],
  }
  // Bare TCP answers by counting bytes, and so only messages of one size.
  return [...cases_of('text'), ...cases_of('binary'), ...(subject.name === 'raw' ? [] : [mixed])]
}

/** The name of a case with this many messages under way on each connection. */
export function depth_case(depth: number): string {
  return `${depth} under way`
}

/** The name of a case with messages of this size. */
export function sized_case(bytes: number, depth: number): string {
  return `${size_text(bytes)}, ${depth_case(depth)}`
}

/** Writes a size in the largest unit that fits. */
function size_text(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`
  return bytes < KIB * KIB ? `${bytes / KIB} KiB` : `${bytes / KIB / KIB} MiB`
}

/** Large messages have fewer connections, so that the messages under way fit into caches and the kernel's buffers for any server. */
export function connections_for(bytes: number, connections: number): number {
  if (bytes <= KIB) return connections
  return Math.min(connections, bytes < 256 * KIB ? 16 : bytes < KIB * KIB ? 4 : 2)
}
