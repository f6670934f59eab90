import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { Person } from './person.ts'

const TSC = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin/tsc')

/** How TypeScript finds modules and types in a user's project. */
export interface Settings {
  readonly resolution: 'nodenext' | 'bundler'
  /** Packages of global types. */
  readonly types: readonly string[]
}

/** Expects sources without type errors, in a project that checks the declarations of its imports too. */
export async function expect_right_types(
  person: Person,
  folder: string,
  sources: Readonly<Record<string, string>>,
  { resolution, types }: Settings,
): Promise<void> {
  const project = join(folder, ['types', resolution, ...types].join('_'))
  mkdirSync(project)
  for (const [name, code] of Object.entries(sources)) writeFileSync(join(project, name), code)
  const options = {
    module: resolution === 'nodenext' ? 'nodenext' : 'esnext',
    moduleResolution: resolution,
    target: 'es2022',
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    types,
  }
  const settings = { compilerOptions: options, include: ['*.ts', '*.mts'] }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(settings))
  const { stdout, stderr } = await person.tries(folder, process.execPath, TSC, '-p', project)
  expect(stdout + stderr).toBe('')
}
