// Runs once, before all tests: creates a folder in which `@bt/net` is a single file, and copies the built
// examples into it. The tests start more than 100 programs, which take twice as long to start with 100 files.
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
    /** A folder from which `@bt/net` resolves to one file, and other imports as in this package. */
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

/** Bundles the built package with all of its imports into a folder. */
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
