import { expect, test } from 'vitest'
import * as close_code from '../../src/frames/close_code.js'

const { is_close_code, ...codes } = close_code

test('the close codes have the numbers of RFC 6455 §7.4.1, and of IANA’s registry', () => {
  expect(codes).toEqual({
    NORMAL_CLOSURE: 1000,
    GOING_AWAY: 1001,
    PROTOCOL_ERROR: 1002,
    UNSUPPORTED_DATA: 1003,
    NO_CODE: 1005,
    ABNORMAL_CLOSURE: 1006,
    INVALID_PAYLOAD: 1007,
    POLICY_VIOLATION: 1008,
    MESSAGE_TOO_BIG: 1009,
    SERVICE_RESTART: 1012,
    TRY_AGAIN_LATER: 1013,
  })
})

test('a Close may carry the codes that are registered for one, and all from 3000 to 4999', () => {
  const valid = Array.from({ length: 0x1_0000 }, (_, code) => code).filter(is_close_code)
  expect(valid.filter(code => code < 3000)).toEqual([
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
  ])
  expect(valid.filter(code => code >= 3000)).toEqual(Array.from({ length: 2000 }, (_, index) => 3000 + index))
})
