// Runs tests as vitest does, but skips those that fail with a MissingProgram, so that no test has to check
// for a program itself. In CI such a test fails, unless the program is optional.
import { it, TestRunner } from 'vitest'
import { is_ci } from '../programs.mjs'

// Warnings that tests provoke on purpose would hide the failures in the output of all suites.
if (process.env.NPM_TEST === 'true') process.removeAllListeners('warning')

/** @typedef {import('../programs.mjs').MissingProgram['lacks']} Lacks */

/** @public Vitest loads it by the path of this file. */
export default class extends TestRunner {
  /**
   * @param {string} path
   * @param {import('vitest').VitestRunnerImportSource} source
   */
  async importFile(path, source) {
    try {
      return await super.importFile(path, source)
    } catch (error) {
      const lacks = reason_to_skip([error])
      if (source !== 'collect' || lacks === undefined) throw error
      it.skip('all tests of this file', { meta: { lacks } }, () => {})
    }
  }

  /** @param {import('vitest').RunnerTestCase} test */
  onAfterRunTask(test) {
    skip(test)
    super.onAfterRunTask(test)
  }

  /** @param {import('vitest').RunnerTestSuite} suite */
  async onAfterRunSuite(suite) {
    await super.onAfterRunSuite(suite)
    skip(suite)
  }
}

/**
 * Marks a test or group that failed for a missing program as skipped.
 * @param {import('vitest').RunnerTask} task
 */
function skip(task) {
  const lacks = reason_to_skip(task.result?.errors)
  if (lacks === undefined) return
  task.mode = 'skip'
  task.result = { state: 'skip' }
  Object.assign(task.meta, { lacks })
}

/**
 * @param {readonly any[]} [errors] only the first one counts, because it caused the others
 * @returns {Lacks | undefined}
 */
function reason_to_skip([error] = []) {
  const lacks = error?.name === 'MissingProgram' ? error.lacks : undefined
  return lacks !== undefined && (lacks.is_optional || !is_ci()) ? lacks : undefined
}
