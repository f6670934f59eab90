import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { IsolatedUser } from './isolated_user.ts'

const TSC = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin/tsc')

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
    skipLibCheck: false,
    noEmit: true,
    types,
  }
  const settings = { compilerOptions: options, include: ['*.ts', '*.mts'] }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(settings))
  const { stdout, stderr } = await user.try_run(folder, process.execPath, TSC, '-p', project)
  expect(stdout + stderr).toBe('')
}
