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

/** All subjects, in the order in which they are shown. */
export const SUBJECT_NAMES: readonly SubjectName[] = [...SINGLE_NAMES, ...CLUSTER_NAMES]

/** The role of a subject: a server or a client, with the load as the other side, or a node of a cluster. */
export type Role = 'server' | 'client' | 'node'

/** A library to measure. */
export interface Subject {
  readonly name: SubjectName
  /** Its name in tables and charts. */
  readonly label: string
  readonly version: string
  readonly dialect: Dialect
  /** Whether it can compress with the same settings as other subjects. */
  readonly can_compress: boolean
  /** The broker of its cluster. Subjects without a broker are single servers and clients. */
  readonly broker: BrokerKind | undefined
  /** The program that runs its files. */
  readonly command: string
  readonly file_stem: string
  readonly file_args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** The subjects that this machine can measure, and notes about those that it cannot. */
export interface Subjects {
  readonly found: readonly Subject[]
  readonly notes: readonly string[]
}

/** What differs between subjects. */
interface Traits extends Partial<Omit<Subject, 'name' | 'label' | 'version'>> {
  readonly label: string
  readonly file_stem: string
  /** Its npm packages. The version is that of the first, with the others in brackets. */
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

/** Finds the subjects that this machine can measure. `other_file` is the entry file for `bt_net_other`. */
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

/**
 * Returns whether a subject has a role: those with a broker are nodes, all others are servers and clients.
 */
export function has_role({ broker }: Subject, role: Role): boolean {
  return (broker !== undefined) === (role === 'node')
}

/** Returns the broker of a subject's cluster. */
export function broker_of({ name, broker }: Subject): BrokerKind {
  if (broker === undefined) throw new Error(`${name} is not a cluster: it has no broker`)
  return broker
}

/** Starts a subject as a process. */
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

/** Returns a subject, or why it is left out; `undefined` for `bt_net_other` without a file. */
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
      // `ws` finds bufferutil only by `NODE_PATH`, so no other subject uses it.
      const env = { NODE_PATH: join(dirname(require.resolve('bufferutil/package.json')), '..') }
      return { ...subject, version: versions_of(packages), env }
    }
    case 'bun': {
      const command = bun_path()
      if (command === undefined) return 'Bun is left out: its npm package is installed only on Linux on x64.'
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
    // It is an optional dependency, which is missing on other platforms.
    return undefined
  }
}

function versions_of(packages: readonly string[], programs: readonly string[] = []): string {
  const [first, ...others] = packages.map(name => [name, version_in(require.resolve(`${name}/package.json`))])
  const extras = [...others.map(([name, version]) => `${name} ${version}`), ...programs]
  return `${first?.[1]}${extras.length === 0 ? '' : ` (${extras.join(', ')})`}`
}

/** Reads the version of a build from the manifest beside its folder. */
function version_of_build(file: string): string {
  const manifest = join(dirname(file), '..', 'package.json')
  return existsSync(manifest) ? version_in(manifest) : 'of unknown version'
}

function version_in(manifest: string): string {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return version
}
