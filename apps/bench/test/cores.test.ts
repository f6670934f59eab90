import { describe, expect, it } from 'vitest'
import { allowed_cores, choose_cores, cores_of, work_of_core_us, work_us } from '../src/process/cores.ts'

describe('allowed_cores', () => {
  it.each([
    ['0-3', [0, 1, 2, 3]],
    ['2', [2]],
    ['0-1,4,6-7', [0, 1, 4, 6, 7]],
  ])('reads %s', (list, cores) => {
    expect(allowed_cores(`Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${list}\nMems:\t1\n`)).toEqual(
      cores,
    )
  })

  it('returns no cores without a list', () => {
    expect(allowed_cores('Name:\tnode\n')).toEqual([])
  })
})

describe('work_us', () => {
  const stat = 'cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 3 400 500 6 7 8 0 0\ncpu1 10 20 30 400 0 0 0 0 0 0\n'

  it('adds up the time of programs on a core, without interrupts and idle time', () => {
    expect(work_us(stat, 0)).toBe((1 + 2 + 3 + 8) * 10_000)
    expect(work_us(stat, 1)).toBe(60 * 10_000)
  })

  it('returns undefined for a core that does not exist, or was not chosen', () => {
    expect(work_us(stat, 2)).toBeUndefined()
    expect(work_of_core_us(undefined)).toBeUndefined()
  })
})

describe('cores_of', () => {
  it('chooses the first and the last', () => {
    expect(cores_of([0, 1, 2, 3])).toEqual({ subject: 3, load: 0, note: '' })
  })

  it('pins nothing if there is only one core, and returns the reason', () => {
    expect(cores_of([2])).toEqual({
      subject: undefined,
      load: undefined,
      note: 'Nothing is pinned to a core: there is only one, which subject and load share.',
    })
  })
})

describe('choose_cores', () => {
  it('returns two cores, or the reason why nothing is pinned', () => {
    const { subject, load, note } = choose_cores()
    if (note === '') {
      expect(subject).not.toBe(load)
      expect(work_of_core_us(subject)).toBeGreaterThan(0)
    } else expect([subject, load]).toEqual([undefined, undefined])
  })
})
