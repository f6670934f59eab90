import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type BrokerKind, broker_is_missing, broker_program } from '../process/broker.js'
import { Program } from '../process/program.js'
import type { Dialect } from '../wire/message.js'
import { CLUSTER_NAMES, CLUSTERS, type ClusterName } from './clusters.js'

const SINGLE_NAMES = ['bt_net', 'bt_net_other', 'ws', 'ws_bufferutil', 'socket.io', 'bun', 'raw'] as const

export type SubjectName = (typeof SINGLE_NAMES)[number] | ClusterName

/** All that can be measured, in the order in which it is shown. */
export const SUBJECT_NAMES: readonly SubjectName[] = [...SINGLE_NAMES, ...CLUSTER_NAMES]

/** Which side of a connection a subject is, the load being the other; or a server that is one of several. */
export type Role = 'server' | 'client' | 'node'

/** What is measured. */
export interface Subject {
  readonly name: SubjectName
  /** What it is called in tables and charts. */
  readonly label: string
  readonly version: string
  readonly dialect: Dialect
  /** Whether it can be told to compress in the same way as the others that can. */
  readonly can_compress: boolean
  /** What its nodes are joined by; whoever has none is measured alone. */
  readonly broker: BrokerKind | undefined
  /** The program that runs its files, and what that is told. */
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

const require = createRequire(import.meta.url)

/** Finds what can be measured on this machine; `bt_net_other` is another build of `@bt/net`, by the file that is imported. */
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

/** Whether a subject can have that role: those that a broker joins are measured as nodes, and all others are not. */
export function plays({ broker }: Subject, role: Role): boolean {
  return (broker !== undefined) === (role === 'node')
}

/** The broker that joins a subject's nodes. */
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

/** A subject, or why it is left out; `undefined` where nobody has asked for it. */
function find_subject(name: SubjectName, other_file: string | undefined): Subject | string | undefined {
  const in_node = {
    name,
    dialect: 'websocket',
    can_compress: false,
    broker: undefined,
    command: process.execPath,
    file_args: [],
  } as const
  switch (name) {
    case 'bt_net':
      return {
        ...in_node,
        label: '@bt/net',
        version: version_of('@bt/net'),
        can_compress: true,
        file_stem: 'bt_net',
      }
    case 'bt_net_other':
      return other_file === undefined
        ? undefined
        : {
            ...in_node,
            label: '@bt/net (other)',
            version: version_of_build(other_file),
            can_compress: true,
            file_stem: 'bt_net',
            file_args: [pathToFileURL(other_file).href],
          }
    case 'ws':
      return { ...in_node, label: 'ws', version: version_of('ws'), can_compress: true, file_stem: 'ws' }
    case 'ws_bufferutil':
      return find_ws_bufferutil(in_node)
    case 'socket.io':
      return {
        ...in_node,
        label: 'socket.io',
        version: version_of('socket.io'),
        dialect: 'socket.io',
        file_stem: 'socket_io',
      }
    case 'bun':
      return find_bun(in_node)
    case 'raw':
      return { ...in_node, label: 'bare TCP', version: process.version, file_stem: 'raw' }
    default:
      return find_cluster(in_node, name)
  }
}

type InNode = Omit<Subject, 'label' | 'version' | 'file_stem'>

/** Plain `ws` finds bufferutil by `NODE_PATH` alone, so no other subject has it. */
function find_ws_bufferutil(in_node: InNode): Subject | string {
  if (!has_bufferutil()) return 'ws with bufferutil is left out: bufferutil has no binary for this platform.'
  return {
    ...in_node,
    label: 'ws with bufferutil',
    version: `${version_of('ws')} (bufferutil ${version_of('bufferutil')})`,
    can_compress: true,
    file_stem: 'ws',
    env: { NODE_PATH: join(dirname(require.resolve('bufferutil/package.json')), '..') },
  }
}

function has_bufferutil(): boolean {
  try {
    // Without a binary, the package hands out its fallback in JavaScript.
    return require('bufferutil') !== require('bufferutil/fallback')
  } catch {
    // It is an optional dependency.
    return false
  }
}

function find_bun(in_node: InNode): Subject | string {
  const bun = bun_path()
  if (bun === undefined) return 'Bun is left out: its npm package is installed on Linux on x64 alone.'
  const version = spawnSync(bun, ['--version'], { encoding: 'utf8' }).stdout.trim()
  return { ...in_node, label: 'Bun', version, command: bun, file_stem: 'bun' }
}

function find_cluster(in_node: InNode, name: ClusterName): Subject | string {
  const { packages, ...cluster } = CLUSTERS[name]
  const broker = broker_program(cluster.broker)
  if (broker === undefined) return `${cluster.label} is left out: ${broker_is_missing(cluster.broker)}.`
  const [server, ...joined_by] = packages
  const others = [...joined_by.map(used => `${used} ${version_of(used)}`), broker]
  return { ...in_node, ...cluster, version: `${version_of(server)} (${others.join(', ')})` }
}

function bun_path(): string | undefined {
  try {
    return require.resolve('@oven/bun-linux-x64/bin/bun')
  } catch {
    // It is an optional dependency, which other platforms do not have.
    return undefined
  }
}

function version_of(name: string): string {
  return version_in(require.resolve(`${name}/package.json`))
}

/** Of the package that a built file is of: its manifest is beside the folder of what was built. */
function version_of_build(file: string): string {
  const manifest = join(dirname(file), '..', 'package.json')
  return existsSync(manifest) ? version_in(manifest) : 'of unknown version'
}

function version_in(manifest: string): string {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return version
}
