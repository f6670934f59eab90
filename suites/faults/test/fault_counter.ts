import type { Reporter, TestModule } from 'vitest/node'

/** Prints at the end of a run how many faults were survived; each test is one, except those of the soak's parts. */
export class FaultCounter implements Reporter {
  onTestRunEnd(all: readonly TestModule[]): void {
    const modules = all.filter(({ moduleId }) => !/(outcomes|session_audit)\.test\.ts$/.test(moduleId))
    const count = (state: 'passed' | 'failed' | 'skipped'): number =>
      modules.reduce((sum, { children }) => sum + [...children.allTests(state)].length, 0)
    const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')]
    console.log(
      `faults survived: ${passed} of ${passed + failed}${skipped === 0 ? '' : `, not tried: ${skipped}`}`,
    )
  }
}
