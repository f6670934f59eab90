// @ts-check
// What became of the tests of each package: written by vitest into a file, read by `npm test`.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

/** In the folder of a package; git ignores it, and turbo keeps it with a cached run. */
const FOLDER = '.test_results'

/**
 * A program that was missing, and how many tests were skipped for that.
 * @typedef {object} NotTested
 * @property {string} name
 * @property {string} use
 * @property {string} remedy
 * @property {boolean} is_optional
 * @property {number} tests
 */

/**
 * How many tests of a run passed, failed and were skipped.
 * @typedef {object} Results
 * @property {number} passed
 * @property {number} failed with files and groups of tests that failed as a whole
 * @property {number} skipped
 * @property {number} seconds
 * @property {readonly NotTested[]} not_tested
 */

/**
 * One run of tests: a package, and its script.
 * @typedef {object} Suite
 * @property {string} title
 * @property {string} file where its results are
 */

/**
 * Returns all runs of tests: each script of a package that is called `test`, or `test:…`, is one.
 * @returns {Suite[]}
 */
export function all_suites() {
  return package_folders().flatMap(folder => {
    const { name, scripts = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return Object.keys(scripts)
      .filter(script => /^test(:|$)/.test(script))
      .map(script => ({
        title: script === 'test' ? name : `${name} ${script}`,
        file: file_of(folder, script),
      }))
  })
}

/** Returns the folders of all packages of the workspace. */
export function package_folders() {
  return ['packages', 'apps', 'suites']
    .flatMap(parent => readdirSync(join(ROOT, parent)).map(name => join(ROOT, parent, name)))
    .concat(join(ROOT, 'docs'))
    .filter(folder => existsSync(join(folder, 'package.json')))
}

/**
 * @param {string} folder of the package
 * @param {Results} results
 */
export function write_results(folder, results) {
  const file = file_of(folder, script_that_runs())
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(results))
}

/**
 * @param {Suite} suite
 * @returns {Results | undefined} `undefined` if its tests did not run to the end
 */
export function read_results({ file }) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

/** Removes what an earlier run has written. */
export function remove_results() {
  for (const folder of package_folders()) rmSync(join(folder, FOLDER), { recursive: true, force: true })
}

/** The script of the package that runs this. */
function script_that_runs() {
  const { npm_lifecycle_event = '' } = process.env
  return /^test(:|$)/.test(npm_lifecycle_event) ? npm_lifecycle_event : 'test'
}

/**
 * @param {string} folder
 * @param {string} script
 */
function file_of(folder, script) {
  return join(folder, FOLDER, `${script.replace(/\W/g, '_')}.json`)
}

/**
 * The last lines of a run: a table with a row for each suite, what was not tested, and the sums.
 * @param {readonly { readonly title: string, readonly results: Results | undefined }[]} suites
 * @param {string} advice how to have everything tested
 * @returns {{ readonly lines: readonly string[], readonly problems: readonly string[], readonly total: string }} `problems`: why the run has failed
 */
export function summary(suites, advice) {
  const width = Math.max(0, ...suites.map(({ title }) => title.length))
  const rows = suites.map(({ title, results }) => {
    const counts =
      results === undefined ? 'did not run: see above' : `${counts_of(results)}  ${results.seconds} s`
    return `${title.padEnd(width)}  ${counts}`
  })
  const lacking = suites.flatMap(({ title, results }) =>
    (results?.not_tested ?? []).map(
      ({ name, use, tests, remedy }) =>
        `Not tested: ${title} without ${name} (${use}; ${counted(tests, 'test')}): ${remedy}`,
    ),
  )
  const problems = suites.flatMap(({ title, results }) => {
    if (results === undefined) return [`the tests of ${title} did not run`]
    if (results.failed > 0) return [`${counted(results.failed, 'test')} of ${title} failed`]
    const ran_none = results.passed === 0 && results.not_tested.length === 0
    return ran_none ? [`${title} ran no test, and names no reason`] : []
  })
  const sum = (/** @type {'passed' | 'failed' | 'skipped'} */ key) =>
    suites.reduce((total, { results }) => total + (results?.[key] ?? 0), 0)
  const sums = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }
  const hint = lacking.length > 0 && advice !== '' ? [`Note: ${advice}`] : []
  return {
    lines: [...rows, ...lacking, ...hint],
    problems,
    total: `${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`,
  }
}

/** @param {Pick<Results, 'passed' | 'failed' | 'skipped'>} counts */
export function counts_of({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/**
 * @param {number} count
 * @param {string} noun
 */
function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
