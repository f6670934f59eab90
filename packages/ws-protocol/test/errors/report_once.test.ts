import { expect, it } from 'vitest'
import { ReportOnce } from '../../src/errors/report_once.js'

it('reports each subject once, up to the largest number of subjects', () => {
  const reports = new ReportOnce(2)
  expect(['a', 'a', 'b', 'c', 'a'].map(what => reports.should_report(what))).toEqual([
    true,
    false,
    true,
    false,
    false,
  ])
  expect(reports.is_full).toBe(true)
})

it('reports subjects again after a reset', () => {
  const reports = new ReportOnce(1)
  reports.should_report('a')
  reports.reset()
  expect([reports.is_full, reports.should_report('a')]).toEqual([false, true])
})
