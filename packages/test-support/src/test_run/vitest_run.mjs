// What each vitest run does besides running tests: it installs missing programs, creates a temporary folder,
// and ends with a summary of the tests that ran and those that could not.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DefaultReporter, MinimalReporter } from 'vitest/node'
import { missing_programs } from '../programs.mjs'
import { counts_of, summary, write_results } from './results.mjs'
import { set_up } from './set_up.mjs'
import { RunFolder } from './temporary.mjs'

/** Whether `npm test` started this run: then it has installed all programs, and prints the summary itself. */
const IS_PART = process.env.NPM_TEST === 'true'

/** Returns the vitest settings of a run. */
export function test_run() {
  const run = new TestRun()
  return {
    plugins: [
      {
        name: 'test-run',
        configureVitest: (/** @type {{ vitest: import('vitest/node').Vitest }} */ { vitest }) =>
          run.start(vitest),
      },
    ],
    /** @type {['text', object][]} */
    coverage_reporter: IS_PART ? [] : [['text', { skipFull: true, skipEmpty: true }]],
    runner: fileURLToPath(new URL('vitest_runner.mjs', import.meta.url)),
    reporters: [IS_PART ? new FailureReporter() : new DefaultReporter({ summary: false }), run],
  }
}

/** Reports only failures. */
class FailureReporter extends MinimalReporter {
  /**
   * @override
   * @param {import('vitest/node').Vitest} vitest
   */
  onInit(vitest) {
    vitest.logger.printBanner = () => {}
    super.onInit(vitest)
  }

  /** @override */
  reportTestSummary() {}
}

/** @implements {import('vitest/node').Reporter} */
class TestRun {
  #folder = ''
  #title = ''
  #advice = ''
  #started_at = Date.now()
  /** @type {import('./results.mjs').Results | undefined} */
  #results

  /** @param {import('vitest/node').Vitest} vitest */
  start({ config }) {
    this.#folder = config.root
    this.#title = JSON.parse(readFileSync(join(config.root, 'package.json'), 'utf8')).name
    if (!IS_PART) this.#advice = set_up(this.#title).advice
    // With tests skipped for a missing program, coverage cannot reach the thresholds.
    if (missing_programs(this.#title).length > 0) Reflect.deleteProperty(config.coverage, 'thresholds')
    const folder = new RunFolder()
    process.once('exit', code => this.#end(folder, code))
  }

  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} errors
   */
  onTestRunEnd(modules, errors) {
    const seconds = Math.round((Date.now() - this.#started_at) / 1000)
    this.#results = { ...count_tests(modules, errors), seconds }
    write_results(this.#folder, this.#results)
    if (IS_PART) console.log(`${counts_of(this.#results)}, ${seconds} s`)
  }

  /**
   * @param {RunFolder} folder
   * @param {number} code
   */
  #end(folder, code) {
    // A signal leaves the tests no time to clean up.
    const is_interrupted = code > 128
    const left_behind = folder.close({ is_interrupted })
    if (left_behind.length > 0 && !is_interrupted) {
      console.error(`The tests of ${this.#title} have left behind: ${left_behind.join(', ')}`)
      process.exitCode = 1
    }
    if (IS_PART || this.#results === undefined) return
    const { lines, problems, total } = summary([{ title: this.#title, results: this.#results }], this.#advice)
    console.log(['', ...lines.slice(1), ...problems, total].join('\n'))
    if (problems.length > 0) process.exitCode ||= 1
  }
}

/**
 * Counts tests by their outcome, and those that were skipped for a missing program by that program.
 * @param {readonly import('vitest/node').TestModule[]} modules
 * @param {readonly unknown[]} errors outside of tests
 */
function count_tests(modules, errors) {
  const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
  /** @type {Map<string, import('./results.mjs').NotTested>} */
  const not_tested = new Map()
  /**
   * @param {import('vitest/node').TestModule | import('vitest/node').TestSuite | import('vitest/node').TestCase} task
   * @param {import('../programs.mjs').MissingProgram['lacks']} [inherited]
   */
  const count = (task, inherited) => {
    const { lacks = inherited } = /** @type {{ lacks?: typeof inherited }} */ (task.meta())
    if (task.type !== 'test') {
      // The tests of a group that fails as a whole count as skipped.
      counts.failed += task.errors().length
      for (const child of task.children) count(child, lacks)
      return
    }
    counts[task.result().state] += 1
    if (lacks === undefined) return
    not_tested.set(lacks.name, { ...lacks, tests: (not_tested.get(lacks.name)?.tests ?? 0) + 1 })
  }
  for (const module of modules) count(module)
  return { ...counts, not_tested: [...not_tested.values()] }
}
