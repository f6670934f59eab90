// Runs once, before all tests: makes a folder in which `@bt/net` is a single file, and puts the examples there, as they were built. A program
// that loads a hundred files takes twice as long to start, and tests start more than a hundred programs.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporary_folder } from '@bt/test-support/temporary'
import { build, type Rolldown } from 'vite'
import type { TestProject } from 'vitest/node'

const DOCS = fileURLToPath(new URL('..', import.meta.url))
const NET = '@bt/net'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where programs find `@bt/net` as one file, and all else as this package does. */
    readonly program_folder: string
  }
}

let folder = ''

export async function setup({ provide }: TestProject): Promise<void> {
  folder = temporary_folder('programs', DOCS)
  cpSync(join(DOCS, 'dist'), folder, { recursive: true })
  await bundle(join(folder, 'node_modules', NET))
  provide('program_folder', folder)
}

export function teardown(): void {
  rmSync(folder, { recursive: true })
}

/** Writes the built package into a folder, with all that it imports. */
async function bundle(target: string): Promise<void> {
  const entry = createRequire(import.meta.url).resolve(NET)
  const { output } = (await build({
    configFile: false,
    root: DOCS,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: { ssr: entry, write: false, rolldownOptions: { output: { codeSplitting: false } } },
  })) as Rolldown.RolldownOutput
  mkdirSync(target, { recursive: true })
  writeFileSync(join(target, 'package.json'), '{ "type": "module", "exports": "./index.js" }')
  writeFileSync(join(target, 'index.js'), output[0].code)
}
