// Runs test files of the package in the current folder on the newest Node: `node newest_node.mjs FILE…`. npm
// fetches that Node. Without a network the tests are skipped, or fail in CI.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { is_ci } from '../packages/test-support/src/programs.mjs'
import { write_results } from '../packages/test-support/src/test_run/results.mjs'
import { npm } from './npm_packages.mjs'

const VERSION = '26.10.0'

const files = process.argv.slice(2)
// vitest ignores a name that matches no file.
const present = readdirSync('test', { encoding: 'utf8', recursive: true })
const missing_files = files.filter(name => !present.some(file => file.includes(name)))
if (missing_files.length > 0) throw new Error(`no test file matches ${missing_files.join(', ')}`)

const node = await path_of_newest_node()
if (node !== undefined) {
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...files]
  process.exitCode = spawnSync(node, args, { stdio: 'inherit' }).status ?? 1
} else if (is_ci()) {
  console.error(`Node ${VERSION} could not be fetched, or does not start: see above`)
  process.exitCode = 1
} else {
  const name = `Node ${VERSION}`
  const missing = {
    name,
    use: 'the newest Node',
    remedy: 'npm fetches it, with a network; it needs libatomic (Debian: apt-get install libatomic1)',
    is_optional: false,
    tests: 0,
  }
  write_results(process.cwd(), { passed: 0, failed: 0, skipped: 0, seconds: 0, not_tested: [missing] })
}

/** @returns {Promise<string | undefined>} */
async function path_of_newest_node() {
  if (process.versions.node === VERSION) return process.execPath
  // For each platform, npm has a package that contains only the program.
  const program = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}@${VERSION}`
  const { code, output } = await npm(
    ['exec', '--yes', '--prefer-offline', `--package=${program}`, '--call', 'node -p process.execPath'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  return code === 0 ? output.trim() : undefined
}
