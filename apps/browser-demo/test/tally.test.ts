import { expect, it } from 'vitest'
import { type Fate, Tally } from '../src/page/tally.ts'

function make_tally(next?: number): { tally: Tally; noted: [Fate, number][] } {
  const noted: [Fate, number][] = []
  return { tally: new Tally((fate, times) => noted.push([fate, times]), next), noted }
}

it('counts numbers that are skipped, and those that come again', () => {
  const { tally, noted } = make_tally()
  for (const number of [7, 8, 11, 11, 12]) tally.take(number)
  expect(tally).toMatchObject({ came: 4, missing: 2, twice: 1 })
  expect(noted).toEqual([
    ['came', 1],
    ['came', 1],
    ['missing', 2],
    ['came', 1],
    ['twice', 1],
    ['came', 1],
  ])
})

it('misses the numbers before the first one that comes, if it knows where they begin', () => {
  const { tally } = make_tally(1)
  tally.take(3)
  expect(tally).toMatchObject({ came: 1, missing: 2, twice: 0 })
})

it('goes on counting when the numbers begin anew', () => {
  const { tally } = make_tally()
  tally.take(500)
  tally.restart()
  tally.take(1)
  expect(tally).toMatchObject({ came: 2, missing: 0, twice: 0 })
})
