import { expect, it } from 'vitest'
import { summary, Tally } from '../src/client/tally.ts'

it('counts numbers that are missing, and those that came twice', () => {
  const tally = new Tally()
  for (let i = 0; i < 5; i += 1) tally.next()
  for (const number of [1, 2, 2, 5, 2]) tally.take(number)
  expect(tally).toMatchObject({ sent: 5, echoed: 3, missing: 2, twice: 2 })
})

it.each([
  [undefined, 1, 'over 1 connection (no session)'],
  [{ recovered: 11, not_recovered: 0 }, 12, 'over 12 connections (session recovered 11 times)'],
  [
    { recovered: 1, not_recovered: 2 },
    1_200,
    'over 1,200 connections (session recovered 1 time, not recovered 2 times)',
  ],
])('sums up a client with the sessions %j', (sessions, opened, expected) => {
  const tally = new Tally()
  for (let i = 0; i < 1_000; i += 1) tally.take(tally.next())
  expect(summary(tally, { opened, sessions })).toBe(
    `sent 1,000, echoed 1,000, missing 0, twice 0, ${expected}`,
  )
})
