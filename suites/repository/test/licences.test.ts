import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { ROOT } from './root.ts'

/** Licences that let anybody use, change and pass on the code, under any licence of their own. */
const ALLOWED = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'Unlicense']

/** What is run, beside tools for development, by the licence that it names. */
async function licences(): Promise<Record<string, readonly { readonly name: string }[]>> {
  // A script that pnpm runs is told where pnpm is; that spares the .cmd file of Windows.
  const pnpm = process.env.npm_execpath ?? ''
  const args = ['licenses', 'list', '--prod', '--json']
  const is_script = pnpm.includes('pnpm') && /\.[cm]?js$/.test(pnpm)
  const [command, all_args] = is_script ? [process.execPath, [pnpm, ...args]] : ['pnpm', args]
  const { stdout } = await promisify(execFile)(command, all_args, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 })
  return JSON.parse(stdout)
}

it('depends on nothing at run time whose licence is not on a short list', async () => {
  const found = await licences()
  expect(
    Object.values(found)
      .flat()
      .map(({ name }) => name),
  ).toContain('ws')
  const refused = Object.entries(found).filter(([licence]) => !ALLOWED.includes(licence))
  expect(refused.map(([licence, packages]) => [licence, packages.map(({ name }) => name)])).toEqual([])
})
