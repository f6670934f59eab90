import { afterAll, describe, expect, test } from 'vitest'
import { check_response } from './check_response.ts'
import { ClientSide } from './client_side.ts'
import { response_cases } from './response_cases/responses.ts'

const MAX_BYTE_BY_BYTE = 1_000

const side = new ClientSide()
const cases = response_cases.map(test_case => ({
  test_case,
  title: `${test_case.name} (${test_case.clause})`,
}))

afterAll(() => side.close())

test('all cases have different names', () => {
  expect(new Set(cases.map(({ title }) => title)).size).toBe(cases.length)
})

describe('client, responses', () => {
  for (const { test_case, title } of cases) test(title, () => check_response(side, test_case, 'whole'))
})

describe('client, responses byte by byte', () => {
  for (const { test_case, title } of cases.filter(
    ({ test_case }) => test_case.response('').length <= MAX_BYTE_BY_BYTE,
  )) {
    test(title, () => check_response(side, test_case, 'byte by byte'))
  }
})
