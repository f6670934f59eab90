// Runs once, before all tests: creates a folder in which `@bt/net` is a few files, and copies the built
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
    /** A folder from which `@bt/net` resolves to a few files, and other imports as in this package. */
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

/** Bundles the built package with all of its imports into a folder, both of its entries with one copy of what they share. */
async function bundle(target: string): Promise<void> {
  const { resolve } = createRequire(import.meta.url)
  const input = { index: resolve(NET), session: resolve(`${NET}/session`) }
  const { output } = (await build({
    configFile: false,
    root: DOCS,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: {
      ssr: true,
      write: false,
      rolldownOptions: { input, output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' } },
    },
  })) as Rolldown.RolldownOutput
  mkdirSync(target, { recursive: true })
  const exports = { '.': './index.js', './session': './session.js' }
  writeFileSync(join(target, 'package.json'), JSON.stringify({ type: 'module', exports }))
  for (const chunk of output)
    if (chunk.type === 'chunk') writeFileSync(join(target, chunk.fileName), chunk.code)
}
