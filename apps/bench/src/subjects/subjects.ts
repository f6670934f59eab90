import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type BrokerKind, broker_is_missing, broker_program } from '../process/broker.js'
import { Program } from '../process/program.js'
import type { Dialect } from '../wire/message.js'

const SINGLE_NAMES = ['bt_net', 'bt_net_other', 'ws', 'ws_bufferutil', 'socket.io', 'bun', 'raw'] as const

/** Subjects that are several servers, joined by a broker. */
export const CLUSTER_NAMES = ['bt_net_nats', 'bt_net_redis', 'socket.io_redis', 'socket.io_sharded'] as const

export type SubjectName = (typeof SINGLE_NAMES)[number] | (typeof CLUSTER_NAMES)[number]

/** All that can be measured, in the order in which it is shown. */
export const SUBJECT_NAMES: readonly SubjectName[] = [...SINGLE_NAMES, ...CLUSTER_NAMES]

/** Which side of a connection a subject is, the load being the other; or a server that is one of several. */
export type Role = 'server' | 'client' | 'node'

/** What is measured. */
export interface Subject {
  readonly name: SubjectName
  /** Its name in tables and charts. */
  readonly label: string
  readonly version: string
  readonly dialect: Dialect
  /** Whether it can compress with the same settings as the others that can. */
  readonly can_compress: boolean
  /** What joins its nodes; subjects without a broker are single servers and clients. */
  readonly broker: BrokerKind | undefined
  /** The program that runs its files, and the arguments of these. */
  readonly command: string
  readonly file_stem: string
  readonly file_args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** What can be measured here, and what not, and why. */
export interface Subjects {
  readonly found: readonly Subject[]
  readonly notes: readonly string[]
}

/** What sets a subject apart from others. */
interface Traits extends Partial<Omit<Subject, 'name' | 'label' | 'version'>> {
  readonly label: string
  readonly file_stem: string
  /** The npm packages that it consists of: the version is that of the first, with the others in brackets. */
  readonly packages: readonly string[]
}

const BT_NET = { file_stem: 'bt_net', can_compress: true } as const
const WS = { file_stem: 'ws', can_compress: true } as const
const SOCKET_IO = { file_stem: 'socket_io', dialect: 'socket.io' } as const
const SOCKET_IO_CLUSTER = {
  ...SOCKET_IO,
  broker: 'redis',
  packages: ['socket.io', '@socket.io/redis-adapter', 'redis'],
} as const

const TRAITS: Readonly<Record<SubjectName, Traits>> = {
  bt_net: { ...BT_NET, label: '@bt/net', packages: ['@bt/net'] },
  bt_net_other: { ...BT_NET, label: '@bt/net (other)', packages: [] },
  ws: { ...WS, label: 'ws', packages: ['ws'] },
  ws_bufferutil: { ...WS, label: 'ws with bufferutil', packages: ['ws', 'bufferutil'] },
  'socket.io': { ...SOCKET_IO, label: 'socket.io', packages: ['socket.io'] },
  bun: { label: 'Bun', file_stem: 'bun', packages: [] },
  raw: { label: 'bare TCP', file_stem: 'raw', packages: [] },
  bt_net_nats: {
    ...BT_NET,
    label: '@bt/net over NATS',
    broker: 'nats',
    packages: ['@bt/net', '@bt/ws-cluster-nats'],
  },
  bt_net_redis: {
    ...BT_NET,
    label: '@bt/net over Redis',
    broker: 'redis',
    packages: ['@bt/net', '@bt/ws-cluster-redis'],
  },
  'socket.io_redis': { ...SOCKET_IO_CLUSTER, label: 'socket.io over Redis', file_args: ['plain'] },
  'socket.io_sharded': { ...SOCKET_IO_CLUSTER, label: 'socket.io sharded', file_args: ['sharded'] },
}

const require = createRequire(import.meta.url)

/** Finds what can be measured on this machine; `bt_net_other` is another build of `@bt/net`, by the file to import. */
export function find_subjects(names: readonly SubjectName[], other_file: string | undefined): Subjects {
  const found: Subject[] = []
  const notes: string[] = []
  for (const name of SUBJECT_NAMES.filter(known => names.includes(known))) {
    const subject = find_subject(name, other_file)
    if (typeof subject === 'string') notes.push(subject)
    else if (subject !== undefined) found.push(subject)
  }
  return { found, notes }
}

/** Returns whether a subject can have that role: those that a broker joins are measured as nodes, and all others are not. */
export function plays({ broker }: Subject, role: Role): boolean {
  return (broker !== undefined) === (role === 'node')
}

/** Returns the broker that joins a subject's nodes. */
export function broker_of({ name, broker }: Subject): BrokerKind {
  if (broker === undefined) throw new Error(`${name} is no cluster: no broker joins it`)
  return broker
}

/** Starts a subject as a process of its own. */
export function start_subject(subject: Subject, role: Role, core: number | undefined): Program {
  const file = fileURLToPath(new URL(`../../dist/subjects/${subject.file_stem}_${role}.js`, import.meta.url))
  const flags = subject.command === process.execPath ? ['--expose-gc'] : []
  return new Program({
    name: `${subject.name} (${role})`,
    command: subject.command,
    args: [...flags, file, ...subject.file_args],
    core,
    ...(subject.env !== undefined && { env: subject.env }),
  })
}

/** Returns a subject, or why it is left out; `undefined` for another build if none is named. */
function find_subject(name: SubjectName, other_file: string | undefined): Subject | string | undefined {
  const { packages, ...traits } = TRAITS[name]
  const { label, broker } = traits
  const subject = {
    name,
    dialect: 'websocket',
    can_compress: false,
    broker,
    command: process.execPath,
    file_args: [],
    ...traits,
  } as const
  switch (name) {
    case 'bt_net_other': {
      if (other_file === undefined) return undefined
      const file_args = [pathToFileURL(other_file).href]
      return { ...subject, version: version_of_build(other_file), file_args }
    }
    case 'ws_bufferutil': {
      if (!has_bufferutil()) return `${label} is left out: bufferutil has no binary for this platform.`
      // Plain `ws` finds bufferutil by `NODE_PATH` alone, so no other subject has it.
      const env = { NODE_PATH: join(dirname(require.resolve('bufferutil/package.json')), '..') }
      return { ...subject, version: versions_of(packages), env }
    }
    case 'bun': {
      const command = bun_path()
      if (command === undefined) return 'Bun is left out: its npm package is installed on Linux on x64 alone.'
      const version = spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout.trim()
      return { ...subject, version, command }
    }
    case 'raw':
      return { ...subject, version: process.version }
    default: {
      if (broker === undefined) return { ...subject, version: versions_of(packages) }
      const program = broker_program(broker)
      if (program === undefined) return `${label} is left out: ${broker_is_missing(broker)}.`
      return { ...subject, version: versions_of(packages, [program]) }
    }
  }
}

function has_bufferutil(): boolean {
  try {
    // Without a binary, the package exports its fallback in JavaScript.
    return require('bufferutil') !== require('bufferutil/fallback')
  } catch {
    // It is an optional dependency.
    return false
  }
}

function bun_path(): string | undefined {
  try {
    return require.resolve('@oven/bun-linux-x64/bin/bun')
  } catch {
    // It is an optional dependency, which other platforms do not have.
    return undefined
  }
}

function versions_of(packages: readonly string[], programs: readonly string[] = []): string {
  const [first, ...others] = packages.map(name => [name, version_in(require.resolve(`${name}/package.json`))])
  const besides = [...others.map(([name, version]) => `${name} ${version}`), ...programs]
  return `${first?.[1]}${besides.length === 0 ? '' : ` (${besides.join(', ')})`}`
}

/** The manifest of a package is beside the folder of its build. */
function version_of_build(file: string): string {
  const manifest = join(dirname(file), '..', 'package.json')
  return existsSync(manifest) ? version_in(manifest) : 'of unknown version'
}

function version_in(manifest: string): string {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return version
}
