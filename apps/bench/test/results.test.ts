import { describe, expect, it } from 'vitest'
import {
  check_comparable,
  figure_of,
  ratio_of,
  type Selection,
  this_machine,
  with_measured_again,
} from '../src/results.ts'
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

describe('check_comparable', () => {
  const results = results_of(rounds_of('ws', cpu(10)))

  it('accepts the same machine, settings and subjects', () => {
    expect(() => check_comparable(results, results_of(rounds_of('ws', cpu(20))))).not.toThrow()
  })

  it.each([
    ['machine', { machine: { ...results.machine, node: 'v0.0.0' } }],
    ['settings', { settings: { ...results.settings, rounds: 99 } }],
    ['subjects', { subjects: results.subjects.map(subject => ({ ...subject, version: '0.0.1' })) }],
  ])('rejects another %s', (part, changed) => {
    expect(() => check_comparable(results, { ...results, ...changed })).toThrow(`other ${part}`)
  })
})

describe('with_measured_again', () => {
  it('replaces the measures of the later run, and keeps the others', () => {
    const earlier = results_of([
      ...rounds_of('ws', cpu(10), { measure: 'echo' }),
      ...rounds_of('ws', cpu(11), { measure: 'sizes' }),
    ])
    const later = results_of(rounds_of('ws', cpu(20, 21), { measure: 'echo' }))
    const { samples, notes, measured_again } = with_measured_again(
      { ...earlier, notes: ['a', 'b'], measured_again: 3 },
      { ...later, notes: ['b', 'c'], measured_again: 4 },
    )
    expect(samples.map(({ measure, figures }) => [measure, figures.cpu_us_per_message])).toEqual([
      ['sizes', 11],
      ['echo', 20],
      ['echo', 21],
    ])
    expect(notes).toEqual(['a', 'b', 'c'])
    expect(measured_again).toBe(7)
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
