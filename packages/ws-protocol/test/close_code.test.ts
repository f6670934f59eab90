import { expect, test } from 'vitest'
import * as close_code from '../src/close_code.js'

test('the close codes have the numbers of RFC 6455 §7.4.1, and of IANA’s registry', () => {
  expect({ ...close_code }).toEqual({
    NORMAL_CLOSURE: 1000,
    GOING_AWAY: 1001,
    PROTOCOL_ERROR: 1002,
    UNSUPPORTED_DATA: 1003,
    ABNORMAL_CLOSURE: 1006,
    INVALID_PAYLOAD: 1007,
    POLICY_VIOLATION: 1008,
    MESSAGE_TOO_BIG: 1009,
    SERVICE_RESTART: 1012,
    TRY_AGAIN_LATER: 1013,
  })
})
