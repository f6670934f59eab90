// @ts-check
// The test results of each package: vitest writes them to a file, and `npm test` reads them.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

/** A folder in each package, which git ignores and turbo stores with a cached run. */
const FOLDER = '.test_results'

/**
 * A missing program, and how many tests were skipped because of it.
 * @typedef {object} NotTested
 * @property {string} name
 * @property {string} use
 * @property {string} remedy
 * @property {boolean} is_optional
 * @property {number} tests
 */

/**
 * The results of a test run.
 * @typedef {object} Results
 * @property {number} passed
 * @property {number} failed including files and groups that failed as a whole
 * @property {number} skipped
 * @property {number} seconds
 * @property {readonly NotTested[]} not_tested
 */

/**
 * A test script of a package.
 * @typedef {object} Suite
 * @property {string} title
 * @property {string} file the path of its results
 */

/**
 * Returns all suites: each package script that is named `test` or `test:…` is one.
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
  const file = file_of(folder, current_script())
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

/** Removes the results of earlier runs. */
export function remove_results() {
  for (const folder of package_folders()) rmSync(join(folder, FOLDER), { recursive: true, force: true })
}

/** Returns the name of the package script that started this process. */
function current_script() {
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
 * Returns the summary of a run: a row for each suite and the tests that did not run (`lines`), the reasons
 * why the run failed (`problems`), and the sums (`total`).
 * @param {readonly { readonly title: string, readonly results: Results | undefined }[]} suites
 * @param {string} advice how to run the tests that were skipped
 * @returns {{ readonly lines: readonly string[], readonly problems: readonly string[], readonly total: string }}
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
