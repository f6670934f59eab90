import { afterAll, describe, expect, test } from 'vitest'
import { answer_cases } from './answer_cases/answers.ts'
import { ClientSide } from './client_side.ts'
import { check_answer } from './play_answer.ts'

const LONGEST_BYTE_BY_BYTE = 1_000

const side = new ClientSide()
const cases = answer_cases.map(each => ({
  each,
  title: `${each.name} (${each.clause})`,
}))

afterAll(() => side.close())

test('every case has a name of its own', () => {
  expect(new Set(cases.map(({ title }) => title)).size).toBe(cases.length)
})

describe('client, answers', () => {
  for (const { each, title } of cases) test(title, () => check_answer(side, each, 'whole'))
})

describe('client, answers byte by byte', () => {
  for (const { each, title } of cases.filter(({ each }) => each.answer('').length <= LONGEST_BYTE_BY_BYTE)) {
    test(title, () => check_answer(side, each, 'byte by byte'))
  }
})
