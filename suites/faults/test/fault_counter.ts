import type { Reporter, TestModule } from 'vitest/node'

/** Prints at the end of a run how many faults were survived; each test is one. */
export class FaultCounter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = (state: 'passed' | 'failed' | 'skipped'): number =>
      modules.reduce((sum, { children }) => sum + [...children.allTests(state)].length, 0)
    const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')]
    console.log(
      `faults survived: ${passed} of ${passed + failed}${skipped === 0 ? '' : `, not tried: ${skipped}`}`,
    )
  }
}
