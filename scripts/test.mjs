// Runs all checks that a change must pass, on any machine with Node and npm: installs what is missing,
// builds, checks and tests, and ends with the number of tests and a list of what was not tested. Arguments go
// to turbo: `npm test -- --filter=@bt/net...`.
import {
  all_suites,
  read_results,
  remove_results,
  summary,
} from '../packages/test-support/src/test_run/results.mjs'
import { set_up } from '../packages/test-support/src/test_run/set_up.mjs'
import { RunFolder } from '../packages/test-support/src/test_run/temporary.mjs'
import { interrupted } from './children.mjs'
import { install_npm_packages } from './npm_packages.mjs'
import { turbo } from './turbo.mjs'

const CHECKS = [
  ...[
    'run',
    'build',
    'lint',
    'unused',
    'typecheck',
    'test',
    'test:newest_node',
    'docs',
    'check:packages',
    'check:api',
  ],
  ...['--continue=dependencies-successful', '--concurrency=200%'],
]

/**
 * Runs everything, and returns the exit code.
 * @returns {Promise<number>}
 */
async function main() {
  const filters = process.argv.slice(2)
  const { advice } = set_up()
  if (!(await install_npm_packages())) return 1
  remove_results()
  process.env.NPM_TEST = 'true'
  const folder = new RunFolder()
  const codes = [await turbo([...CHECKS, ...filters]), await turbo(['boundaries'], { quiet: true })]
  const left_behind = folder.close({ is_interrupted: interrupted() !== undefined })
  if (interrupted() !== undefined) return 1
  const suites = all_suites()
    .map(suite => ({ title: suite.title, results: read_results(suite) }))
    .filter(({ results }) => results !== undefined || filters.length === 0)
  const { lines, problems, total } = summary(suites, advice)
  if (left_behind.length > 0) problems.push(`the run has left behind: ${left_behind.join(', ')}`)
  if (problems.length === 0 && codes.some(code => code !== 0)) problems.push('a check has failed: see above')
  console.log(['', ...lines, ...problems.map(problem => `Failed: ${problem}`), total].join('\n'))
  return problems.length === 0 ? 0 : 1
}

const code = await main()
process.exitCode = interrupted() ?? code
