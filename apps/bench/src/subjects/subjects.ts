import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Program } from '../process/program.js'
import type { Dialect } from '../wire/message.js'

/** What can be measured, by the names that `--subjects` takes. */
export const SUBJECT_NAMES = ['bt_net', 'bt_net_other', 'ws', 'socket.io', 'bun', 'raw'] as const

export type SubjectName = (typeof SUBJECT_NAMES)[number]

/** Which side of a connection a subject is; the load is the other. */
export type Role = 'server' | 'client'

/** What is measured. */
export interface Subject {
  readonly name: SubjectName
  /** What it is called in tables and charts. */
  readonly label: string
  readonly version: string
  readonly dialect: Dialect
  /** Whether it can be told to compress in the same way as the others that can. */
  readonly can_compress: boolean
  /** The program that runs its files, and what that is told. */
  readonly command: string
  readonly file_stem: string
  readonly file_args: readonly string[]
}

/** What can be measured here, and what not, and why. */
export interface Subjects {
  readonly found: readonly Subject[]
  readonly notes: readonly string[]
}

const require = createRequire(import.meta.url)

/** Finds what can be measured on this machine; `bt_net_other` is another build of `@bt/net`, by the file that is imported. */
export function find_subjects(names: readonly SubjectName[], other_file: string | undefined): Subjects {
  const bun = bun_path()
  const found: Subject[] = []
  const notes: string[] = []
  for (const name of SUBJECT_NAMES.filter(known => names.includes(known))) {
    if (name === 'bun' && bun === undefined)
      notes.push('Bun is left out: its npm package is installed on Linux on x64 alone.')
    else if (name !== 'bt_net_other') found.push(subject_of(name, bun))
    else if (other_file !== undefined) found.push(other_build(other_file))
  }
  return { found, notes }
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
  })
}

function subject_of(name: Exclude<SubjectName, 'bt_net_other'>, bun: string | undefined): Subject {
  const in_node = { name, dialect: 'websocket', can_compress: false, command: process.execPath } as const
  switch (name) {
    case 'bt_net':
      return {
        ...in_node,
        label: '@bt/net',
        version: version_of('@bt/net'),
        can_compress: true,
        file_stem: 'bt_net',
        file_args: [],
      }
    case 'ws':
      return {
        ...in_node,
        label: 'ws',
        version: version_of('ws'),
        can_compress: true,
        file_stem: 'ws',
        file_args: [],
      }
    case 'socket.io':
      return {
        ...in_node,
        label: 'socket.io',
        version: version_of('socket.io'),
        dialect: 'socket.io',
        file_stem: 'socket_io',
        file_args: [],
      }
    case 'bun':
      return {
        ...in_node,
        label: 'Bun',
        version: bun === undefined ? '' : spawnSync(bun, ['--version'], { encoding: 'utf8' }).stdout.trim(),
        command: bun ?? '',
        file_stem: 'bun',
        file_args: [],
      }
    case 'raw':
      return { ...in_node, label: 'bare TCP', version: process.version, file_stem: 'raw', file_args: [] }
  }
}

/** Another build of `@bt/net`, by the file that is to be imported. */
function other_build(file: string): Subject {
  return {
    ...subject_of('bt_net', undefined),
    name: 'bt_net_other',
    label: '@bt/net (other)',
    file_args: [pathToFileURL(file).href],
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

function version_of(name: string): string {
  const manifest = JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')) as {
    version: string
  }
  return manifest.version
}
