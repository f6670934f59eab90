import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { ROOT } from './root.ts'

/** Licences that allow use, modification and redistribution under any other licence. */
const ALLOWED = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'Unlicense']

/** Returns the production dependencies, by licence. */
async function licences(): Promise<Record<string, readonly { readonly name: string }[]>> {
  // pnpm passes its own path to scripts, which avoids the .cmd file of Windows.
  const pnpm = process.env.npm_execpath ?? ''
  const args = ['licenses', 'list', '--prod', '--json']
  const is_script = pnpm.includes('pnpm') && /\.[cm]?js$/.test(pnpm)
  const [command, all_args] = is_script ? [process.execPath, [pnpm, ...args]] : ['pnpm', args]
  const { stdout } = await promisify(execFile)(command, all_args, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 })
  return JSON.parse(stdout)
}

it('depends at run time only on packages with an allowed licence', async () => {
  const found = await licences()
  expect(
    Object.values(found)
      .flat()
      .map(({ name }) => name),
  ).toContain('ws')
  const refused = Object.entries(found).filter(([licence]) => !ALLOWED.includes(licence))
  expect(refused.map(([licence, packages]) => [licence, packages.map(({ name }) => name)])).toEqual([])
})
