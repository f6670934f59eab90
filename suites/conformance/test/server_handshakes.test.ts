import { afterAll, describe, expect, test } from 'vitest'
import { check_request } from './play_request.ts'
import { extension_cases } from './request_cases/extensions.ts'
import { header_cases } from './request_cases/headers.ts'
import { ServerSide } from './server_side.ts'

const LONGEST_BYTE_BY_BYTE = 1_000

const side = new ServerSide()
const cases = [...header_cases, ...extension_cases].map(each => ({
  each,
  title: `${each.name} (${each.clause})`,
}))

afterAll(() => side.close())

test('every case has a name of its own', () => {
  expect(new Set(cases.map(({ title }) => title)).size).toBe(cases.length)
})

describe('server, requests', () => {
  for (const { each, title } of cases) test(title, () => check_request(side, each, 'whole'))
})

describe('server, requests byte by byte', () => {
  for (const { each, title } of cases.filter(({ each }) => each.request('').length <= LONGEST_BYTE_BY_BYTE)) {
    test(title, () => check_request(side, each, 'byte by byte'))
  }
})
