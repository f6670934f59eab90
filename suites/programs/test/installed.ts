import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'vitest'

/** A program that this machine may have or not. */
export interface Installed {
  /** What it is called. */
  readonly name: string
  /** How it is started. */
  readonly command: string
  /** Whether it is there. */
  readonly is_here: boolean
  /** What to do where it is not. */
  readonly remedy: string
  /** Whether a check of everything may do without. */
  readonly is_dispensable: boolean
}

/** How Deno runs a file: with what is installed; it fetches nothing, and writes no lockfile. */
export const DENO_RUN = ['run', '--allow-all', '--no-lock', '--cached-only', '--quiet']

/** The Node that runs this. */
export const node: Installed = {
  name: 'Node',
  command: process.execPath,
  is_here: true,
  remedy: '',
  is_dispensable: false,
}

/** Python of the system, with one of its modules. */
export function python_with(module: string): Installed {
  const command = '/usr/bin/python3'
  const is_here = runs(command, '-c', `import ${module}`)
  return { name: `Python's ${module}`, command, is_here, ...debian(`python3-${module}`) }
}

/** A program that Debian has, and where it puts it beside the PATH of those who are not root. */
export function debian_program(name: string, version_flag: string): Installed {
  const command = [name, `/usr/sbin/${name}`].find(place => runs(place, version_flag))
  return { name, command: command ?? name, is_here: command !== undefined, ...debian(name) }
}

/** Java, where there is one: the check of everything needs none. */
export function java(): Installed {
  const remedy = 'install a JDK, 17 or later (Debian: default-jdk-headless)'
  // One without a compiler can't run a source.
  const is_here = runs('javac', '-version')
  return { name: 'Java', command: 'java', is_here, remedy, is_dispensable: true }
}

/** Bun, from npm. */
export function bun(): Installed {
  return npm_program('Bun', '@oven/bun-linux-x64/bin/bun')
}

/** Deno, from npm. */
export function deno(): Installed {
  return npm_program('Deno', '@deno/linux-x64-glibc/deno')
}

/** A program that comes from npm for Linux on x64 with glibc, and is not looked for elsewhere. */
function npm_program(name: string, file: string): Installed {
  const is_dispensable = process.platform !== 'linux' || process.arch !== 'x64'
  const remedy = is_dispensable ? 'it is tried on Linux on x64 alone' : `pnpm install brings ${file}`
  const command = path_of(file)
  return { name, command, is_here: command !== '' && runs(command, '--version'), remedy, is_dispensable }
}

/** Where a program in another language is. */
export function foreign(file: string): string {
  return fileURLToPath(new URL(`../foreign/${file}`, import.meta.url))
}

/** Groups what needs a program: where that is missing, one test says so, and fails if everything is to be checked. */
export function describe_with(program: Installed, title: string, body: () => void): void {
  const { is_here, is_dispensable, name, remedy } = program
  if (is_here) describe(title, body)
  else if (process.env.CI === undefined || is_dispensable)
    it.skip(`${title}: not tried without ${name}; ${remedy}`, () => {})
  else
    it(`${title}: ${name} is here`, () => {
      throw new Error(`${name} is missing: ${remedy}`)
    })
}

function debian(package_name: string): Pick<Installed, 'remedy' | 'is_dispensable'> {
  return { remedy: `install it (Debian: apt-get install ${package_name})`, is_dispensable: false }
}

function path_of(file: string): string {
  try {
    return createRequire(import.meta.url).resolve(file)
  } catch {
    // On another platform it was not installed.
    return ''
  }
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args).status === 0
}
