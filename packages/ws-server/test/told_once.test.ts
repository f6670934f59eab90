import { expect, it } from 'vitest'
import { ToldOnce } from '../src/told_once.js'

it('takes each for news once, and no more than so many', () => {
  const told = new ToldOnce(2)
  expect(['a', 'a', 'b', 'c', 'a'].map(what => told.is_news(what))).toEqual([true, false, true, false, false])
  expect(told.is_full).toBe(true)
})

it('takes for news again what it has forgotten', () => {
  const told = new ToldOnce(1)
  told.is_news('a')
  told.forget()
  expect([told.is_full, told.is_news('a')]).toEqual([false, true])
})
