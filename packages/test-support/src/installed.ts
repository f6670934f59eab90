// Groups of tests that need a program which this machine may lack.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { beforeAll, describe } from 'vitest'
import { MissingProgram, type Program, type SystemProgram } from './programs.mjs'

/** A program that this machine may lack. */
export interface Installed {
  readonly name: string
  readonly command: string
  /** The program to report as missing; `undefined` if it is installed. */
  readonly missing?: Program | undefined
}

/** The arguments with which Deno runs a file without downloading anything or writing a lockfile. */
export const DENO_RUN = ['run', '--allow-all', '--no-lock', '--cached-only', '--quiet']

/** The Node that runs the tests. */
export const node: Installed = { name: 'Node', command: process.execPath }

/** Looks up a program that Debian packages. */
export function system_program(program: SystemProgram): Installed {
  return find_program(program)
}

/** Looks up Java. It is optional on every machine. */
export function java(): Installed {
  return find_program({
    name: 'Java',
    use: 'tests with its WebSocket',
    remedy: 'install a JDK, 17 or later (Debian: apt-get install default-jdk-headless)',
    is_optional: true,
    // Running a source file requires the compiler.
    find: () => (runs('javac', '-version') ? 'java' : undefined),
  })
}

/** Looks up Bun, from npm. */
export function bun(): Installed {
  return npm_program('Bun', '@oven/bun-linux-x64/bin/bun')
}

/** Looks up Deno, from npm. */
export function deno(): Installed {
  return npm_program('Deno', '@deno/linux-x64-glibc/deno')
}

/** Looks up a program that npm has for Linux on x64 with glibc. It is optional on other platforms. */
function npm_program(name: string, file: string): Installed {
  const is_optional = process.platform !== 'linux' || process.arch !== 'x64'
  return find_program({
    name,
    use: 'tests with its WebSocket',
    remedy: is_optional ? 'it is tested on Linux on x64 only' : `pnpm install brings ${file}`,
    is_optional,
    find: () => {
      const path = resolve_file(file)
      return path !== undefined && runs(path, '--version') ? path : undefined
    },
  })
}

/** Declares a group of tests that need a program; without it, they are skipped, or fail in CI. */
export function describe_with({ missing }: Installed, title: string, body: () => void): void {
  describe(title, () => {
    if (missing !== undefined)
      beforeAll(() => {
        throw new MissingProgram(missing)
      })
    body()
  })
}

function find_program(program: Program): Installed {
  const { name } = program
  const command = program.find()
  return command === undefined ? { name, command: name, missing: program } : { name, command }
}

function resolve_file(file: string): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(file)
  } catch {
    // The package is installed only on its own platform.
    return undefined
  }
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args).status === 0
}
