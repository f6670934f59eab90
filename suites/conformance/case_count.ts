import type { Reporter, TestModule } from 'vitest/node'

/** Matches the suites whose tests are cases of a table: `SIDE, SEGMENTATION`. */
const TABLE = /^(server|client), (.+)$/

/** Prints at the end of a run how many cases of the tables ran against each side. */
export class CaseCount implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tried = new Map<string, string[]>()
    for (const suite of modules.flatMap(module => [...module.children.suites()])) {
      const [, side, segmentation] = TABLE.exec(suite.name) ?? []
      if (side === undefined) continue
      const count = [...suite.children.allTests()].filter(test => test.result().state !== 'skipped').length
      tried.set(side, [...(tried.get(side) ?? []), `${count} ${segmentation}`])
    }
    const sides = [...tried].map(([side, counts]) => `${side} ${counts.join(', ')}`)
    if (sides.length > 0) console.log(`Cases tried: ${sides.join('; ')}`)
  }
}
