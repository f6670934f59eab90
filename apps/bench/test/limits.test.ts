import { describe, expect, it } from 'vitest'
import { fit_to_limits, max_open_files, open_files_of } from '../src/limits.ts'
import { FULL } from '../src/settings.ts'

describe('fit_to_limits', () => {
  it('returns settings unchanged if they fit', () => {
    expect(fit_to_limits(FULL, 20_000)).toEqual({ settings: FULL, notes: [] })
    expect(fit_to_limits(FULL, Number.POSITIVE_INFINITY).notes).toEqual([])
  })

  it('reduces settings that do not fit, and notes the limit', () => {
    const { settings, notes } = fit_to_limits(FULL, 4096)
    expect(settings.audiences).toEqual([10, 100, 1_000])
    expect(settings.idle_connections).toBe(3_896)
    expect(notes).toEqual([
      'Fan-out to 5000 is left out: a process may have 4096 files open here (`ulimit -Hn`).',
      'Memory and many connections are measured with 3896, not 10000: a process may have 4096 files open here (`ulimit -Hn`).',
    ])
  })

  it('notes a smaller number of sockets on another server', () => {
    const { settings, notes } = fit_to_limits(FULL, 512)
    expect(settings.cluster_audience).toBe(312)
    expect(notes.at(-1)).toBe(
      'From one server to another it goes to 312 sockets, not 1000: a process may have 512 files open here (`ulimit -Hn`).',
    )
  })
})

describe('open_files_of', () => {
  it('returns the hard limit, or infinity', () => {
    expect(
      open_files_of(
        'Limit  Soft  Hard  Units\nMax open files            1024                 4096                 files\n',
      ),
    ).toBe(4096)
    expect(open_files_of('Max open files  unlimited  unlimited  files\n')).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('max_open_files', () => {
  it('returns a positive number', () => {
    expect(max_open_files()).toBeGreaterThan(0)
  })
})
