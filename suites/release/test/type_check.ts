import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { IsolatedUser } from './isolated_user.ts'

/** Returns the program of a version of TypeScript. */
function tsc_of(package_name: string): string {
  return join(dirname(fileURLToPath(import.meta.resolve(`${package_name}/package.json`))), 'bin/tsc')
}

/** Our own version, in one thread: several would check the libraries several times. */
const TSC = [tsc_of('typescript'), '--singleThreaded']

/** The oldest version that the guide names, the last one with all kinds of module resolution, and our own. */
export const COMPILERS: Readonly<Record<string, readonly string[]>> = {
  '5.3': [tsc_of('typescript-oldest')],
  '6.0': [tsc_of('typescript-six')],
  '7.0': TSC,
}

/** A module format of a user's project. */
interface Format {
  readonly name: string
  readonly module: string
  readonly resolution: string
  readonly file: string
  /** The versions of TypeScript that have it. */
  readonly compilers: readonly string[]
}

const ALL = ['5.3', '6.0', '7.0']

/**
 * All declaration files are checked, except for TypeScript's own: they take most of the time, and no package
 * changes them.
 */
const CHECKED_LIBRARIES = { skipLibCheck: false, skipDefaultLibCheck: true }

/** Every way in which TypeScript finds the types of a package. */
const FORMATS: readonly Format[] = [
  { name: 'modules', module: 'node16', resolution: 'node16', file: 'user.mts', compilers: ALL },
  { name: 'CommonJS, node16', module: 'node16', resolution: 'node16', file: 'user.cts', compilers: ALL },
  {
    name: 'CommonJS, nodenext',
    module: 'nodenext',
    resolution: 'nodenext',
    file: 'user.cts',
    compilers: ALL,
  },
  { name: 'CommonJS, node10', module: 'commonjs', resolution: 'node10', file: 'user.ts', compilers: ['5.3'] },
  { name: 'a bundler', module: 'esnext', resolution: 'bundler', file: 'user.ts', compilers: ALL },
]

/** A program that uses each entry for users. */
const USER = `
import { connect, listen, NetError, type WsClient } from '@bt/net'
import { memory_network } from '@bt/net/testing'
import { nats } from '@bt/ws-cluster-nats'
import { redis } from '@bt/ws-cluster-redis'

export const clusters = [nats({ servers: 'nats://127.0.0.1' }), redis({ url: 'redis://127.0.0.1' })]
export const server = listen({
  type: 'mem',
  network: memory_network(),
  bind: '127.0.0.1:0',
  authorize: () => ({ name: 'ada' }),
  on_message: (socket, data) => { socket.send(data.trim() + socket.data.name) },
  on_error: err => { if (err instanceof NetError) err.socket?.data.name.trim() },
})
const ws: WsClient = connect({ type: 'ws', url: 'ws://127.0.0.1/ws' })
ws.on_message(data => { data.trim() })
`

/**
 * Expects that {@link USER} compiles as strictly as possible, without the types of Node, in all formats that a
 * version of TypeScript has. One process compiles them all, which reads the libraries only once.
 */
export async function expect_to_compile(user: IsolatedUser, folder: string, version: string): Promise<void> {
  const projects = FORMATS.filter(({ compilers }) => compilers.includes(version)).map(
    ({ module, resolution, file }) => {
      const project = join(folder, ['format', module, resolution, file, version].join('_'))
      mkdirSync(project)
      writeFileSync(join(project, file), USER)
      const compilerOptions = {
        module,
        moduleResolution: resolution,
        target: 'es2022',
        strict: true,
        exactOptionalPropertyTypes: true,
        ...CHECKED_LIBRARIES,
        noEmit: true,
        types: [],
      }
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }))
      return project
    },
  )
  const [tsc = '', ...options] = COMPILERS[version] ?? []
  // Throws with the output, which names the project of each error.
  const args = [tsc, '--build', '--verbose', ...options, ...projects]
  const output = await user.run(folder, process.execPath, ...args)
  expect(output).not.toContain('error TS')
  for (const project of projects) expect(output).toContain(`${basename(project)}/tsconfig.json'...\n`)
}

/** How TypeScript resolves modules and global types in a user's project. */
export interface ResolutionSettings {
  readonly resolution: 'nodenext' | 'bundler'
  /** Packages of global types. */
  readonly types: readonly string[]
}

/** Expects that sources have no type errors; the declaration files of their imports are checked as well. */
export async function expect_no_type_errors(
  user: IsolatedUser,
  folder: string,
  sources: Readonly<Record<string, string>>,
  { resolution, types }: ResolutionSettings,
): Promise<void> {
  const project = join(folder, ['types', resolution, ...types].join('_'))
  mkdirSync(project)
  for (const [name, code] of Object.entries(sources)) writeFileSync(join(project, name), code)
  const options = {
    module: resolution === 'nodenext' ? 'nodenext' : 'esnext',
    moduleResolution: resolution,
    target: 'es2022',
    strict: true,
    ...CHECKED_LIBRARIES,
    noEmit: true,
    types,
  }
  const settings = { compilerOptions: options, include: ['*.ts', '*.mts'] }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(settings))
  const { stdout, stderr } = await user.try_run(folder, process.execPath, ...TSC, '-p', project)
  expect(stdout + stderr).toBe('')
}
