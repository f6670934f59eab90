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

/** The script that generates certificates, here and in tests. */
interface CertificateScript {
  readonly make_self_signed: () => Promise<{ readonly cert: string; readonly key: string }>
}

const CERTIFICATES = new URL('../../../../packages/test-support/src/certificates.mjs', import.meta.url)

/** Messages that are echoed over new connections, at each depth. */
interface EchoCase {
  readonly group: string
  readonly name: (depth: number) => string
  readonly connections: number
  readonly shapes: readonly Shape[]
  readonly depths: readonly number[]
}

/** What differs between the measures of echo. */
interface EchoMeasure extends Pick<Measure, 'name'> {
  readonly applies_to?: (subject: Subject) => boolean
  readonly cases: (settings: Settings, subject: Subject) => readonly EchoCase[]
  readonly listen_settings?: () => Promise<Partial<ListenSettings>>
  readonly target?: Pick<Target, 'with_tls' | 'with_compression'>
}

/** Measures an echoed message, with few or many in flight on each connection. */
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

/** Measures echo by the size of the message. */
export const sizes: Measure = echo_measure({ name: 'sizes', cases: size_cases })

/** Measures echo over TLS. */
export const tls: Measure = echo_measure({
  name: 'tls',
  cases: settings => [depths_case(settings, SMALL_TEXT)],
  listen_settings: async () => {
    const { make_self_signed } = (await import(CERTIFICATES.href)) as CertificateScript
    return { tls: await make_self_signed() }
  },
  target: { with_tls: true },
})

/** Measures echo with compression in both directions. */
export const compression: Measure = echo_measure({
  name: 'compression',
  applies_to: subject => subject.can_compress,
  cases: settings => [{ ...depths_case(settings, COMPRESSED), depths: [1, 8] }],
  listen_settings: async () => ({ is_compressing: true }),
  target: { with_compression: true },
})

function echo_measure({ name, applies_to, cases, listen_settings, target }: EchoMeasure): Measure {
  return {
    name,
    role: 'server',
    needs_fresh_process: false,
    applies_to: applies_to ?? (() => true),
    start: async stage => {
      const { program, settings, subject } = stage
      const options = await listen_settings?.()
      const all = cases(settings, subject)
      const text_port = await listen(program, options)
      const binary_port = all.some(is_binary)
        ? await listen(program, { ...options, is_binary: true })
        : text_port
      return async () => {
        const results: CaseFigures[] = []
        for (const each of all) {
          const port = is_binary(each) ? binary_port : text_port
          results.push(...(await measure_case(stage, port, each, target)))
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
  target: EchoMeasure['target'],
): Promise<CaseFigures[]> {
  const results: CaseFigures[] = []
  await open_load(stage, port, connections, target)
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

/** Returns the cases with texts of each size, and unless `only_texts`, with bytes and with mixed sizes. */
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
  // Bare TCP answers by counting bytes, which works only for messages of one size.
  return [...cases_of('text'), ...cases_of('binary'), ...(subject.name === 'raw' ? [] : [mixed])]
}

/** Returns the name of a case with this many messages in flight on each connection. */
export function depth_case(depth: number): string {
  return `${depth} under way`
}

/** Returns the name of a case with messages of this size. */
export function sized_case(bytes: number, depth: number): string {
  return `${size_text(bytes)}, ${depth_case(depth)}`
}

/** Formats a size in the largest unit that fits. */
function size_text(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`
  return bytes < KIB * KIB ? `${bytes / KIB} KiB` : `${bytes / KIB / KIB} MiB`
}

/**
 * Reduces the connections for large messages, so that the messages in flight fit into the caches and the
 * buffers of the kernel for any server.
 */
export function connections_for(bytes: number, connections: number): number {
  if (bytes <= KIB) return connections
  return Math.min(connections, bytes < 256 * KIB ? 16 : bytes < KIB * KIB ? 4 : 2)
}
