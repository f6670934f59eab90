import { describe, expect, it } from 'vitest'
import { figure_of, ratio_of, type Selection, this_machine } from '../src/results.ts'
import { cpu, results_of, rounds_of } from './results_of.ts'

const SELECTION: Selection = {
  measure: 'echo',
  group: '',
  case_name: '1 under way',
  figure: 'cpu_us_per_message',
}

describe('figure_of', () => {
  it('returns the median over the rounds of one subject and case', () => {
    const results = results_of([
      ...rounds_of('ws', cpu(10, 30, 20)),
      ...rounds_of('ws', cpu(1000), { case_name: '8 under way' }),
      ...rounds_of('ws', cpu(1000), { group: 'other' }),
      ...rounds_of('ws', cpu(1000), { measure: 'client' }),
      ...rounds_of('bun', cpu(1000)),
    ])
    expect(figure_of(results, SELECTION, 'ws')).toEqual({ median: 20, least: 10, most: 30 })
  })

  it('returns undefined if the figure was not measured', () => {
    const results = results_of(rounds_of('ws', cpu(10)))
    expect(figure_of(results, SELECTION, 'bun')).toBeUndefined()
    expect(figure_of(results, { ...SELECTION, figure: 'p50_us' }, 'ws')).toBeUndefined()
  })
})

describe('ratio_of', () => {
  it('returns the median of the ratios within rounds, not the ratio of medians', () => {
    const results = results_of([...rounds_of('bt_net', cpu(1, 20, 6)), ...rounds_of('ws', cpu(2, 10, 10))])
    expect(ratio_of(results, SELECTION, 'bt_net', 'ws')).toEqual({ median: 0.6, least: 0.5, most: 2 })
  })

  it('leaves out rounds that the other subject lacks', () => {
    const results = results_of([...rounds_of('bt_net', cpu(1, 2, 3)), ...rounds_of('ws', cpu(2))])
    expect(ratio_of(results, SELECTION, 'bt_net', 'ws')).toEqual({ median: 0.5, least: 0.5, most: 0.5 })
    expect(ratio_of(results, SELECTION, 'bt_net', 'bun')).toBeUndefined()
  })
})

describe('this_machine', () => {
  it('describes this machine', () => {
    const machine = this_machine()
    expect(machine.cpu).not.toBe('')
    expect(machine.cores).toBeGreaterThan(0)
    expect(machine.node).toBe(process.version)
  })
})
