// Programs that a machine may have or not, for tests that come in groups.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { beforeAll, describe } from 'vitest'
import { MissingProgram, type Program, type SystemProgram } from './programs.mjs'

/** A program that this machine may have or not. */
export interface Installed {
  /** What it is called. */
  readonly name: string
  /** How it is started. */
  readonly command: string
  /** What is missing if it is not here. */
  readonly missing?: Program | undefined
}

/** How Deno runs a file: with what is installed; it fetches nothing, and writes no lockfile. */
export const DENO_RUN = ['run', '--allow-all', '--no-lock', '--cached-only', '--quiet']

/** The Node that runs this. */
export const node: Installed = { name: 'Node', command: process.execPath }

/** A program of the system. */
export function system_program(program: SystemProgram): Installed {
  return looked_up(program)
}

/** Java, if there is one: no machine has to have it. */
export function java(): Installed {
  return looked_up({
    name: 'Java',
    use: 'tests with its WebSocket',
    remedy: 'install a JDK, 17 or later (Debian: apt-get install default-jdk-headless)',
    is_optional: true,
    // One without a compiler can't run a source.
    find: () => (runs('javac', '-version') ? 'java' : undefined),
  })
}

/** Bun, from npm. */
export function bun(): Installed {
  return npm_program('Bun', '@oven/bun-linux-x64/bin/bun')
}

/** Deno, from npm. */
export function deno(): Installed {
  return npm_program('Deno', '@deno/linux-x64-glibc/deno')
}

/** A program that comes from npm for Linux on x64 with glibc; it is optional elsewhere. */
function npm_program(name: string, file: string): Installed {
  const is_optional = process.platform !== 'linux' || process.arch !== 'x64'
  return looked_up({
    name,
    use: 'tests with its WebSocket',
    remedy: is_optional ? 'it is tested on Linux on x64 only' : `pnpm install brings ${file}`,
    is_optional,
    find: () => {
      const path = resolved(file)
      return path !== undefined && runs(path, '--version') ? path : undefined
    },
  })
}

/** Groups the tests that need a program. */
export function describe_with({ missing }: Installed, title: string, body: () => void): void {
  describe(title, () => {
    if (missing !== undefined)
      beforeAll(() => {
        throw new MissingProgram(missing)
      })
    body()
  })
}

function looked_up(program: Program): Installed {
  const { name } = program
  const command = program.find()
  return command === undefined ? { name, command: name, missing: program } : { name, command }
}

function resolved(file: string): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(file)
  } catch {
    // On another platform it was not installed.
    return undefined
  }
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args).status === 0
}
