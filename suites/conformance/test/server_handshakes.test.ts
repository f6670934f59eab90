import { afterAll, describe, expect, test } from 'vitest'
import { check_request } from './check_request.ts'
import { extension_cases } from './request_cases/extensions.ts'
import { header_cases } from './request_cases/headers.ts'
import { ServerSide } from './server_side.ts'

const MAX_BYTE_BY_BYTE = 1_000

const side = new ServerSide()
const cases = [...header_cases, ...extension_cases].map(test_case => ({
  test_case,
  title: `${test_case.name} (${test_case.clause})`,
}))

afterAll(() => side.close())

test('all cases have different names', () => {
  expect(new Set(cases.map(({ title }) => title)).size).toBe(cases.length)
})

describe('server, requests', () => {
  for (const { test_case, title } of cases) test(title, () => check_request(side, test_case, 'whole'))
})

describe('server, requests byte by byte', () => {
  for (const { test_case, title } of cases.filter(
    ({ test_case }) => test_case.request('').length <= MAX_BYTE_BY_BYTE,
  )) {
    test(title, () => check_request(side, test_case, 'byte by byte'))
  }
})
