import { expect, it } from 'vitest'
import { ReportOnce } from '../../src/errors/report_once.js'

it('reports each subject once, up to the largest number of subjects', () => {
  const told = new ReportOnce(2)
  expect(['a', 'a', 'b', 'c', 'a'].map(what => told.should_report(what))).toEqual([
    true,
    false,
    true,
    false,
    false,
  ])
  expect(told.is_full).toBe(true)
})

it('reports subjects again after a reset', () => {
  const told = new ReportOnce(1)
  told.should_report('a')
  told.reset()
  expect([told.is_full, told.should_report('a')]).toEqual([false, true])
})
