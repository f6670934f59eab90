import { expect, test } from 'vitest'
import { NetError, type NetErrorCode } from '../../src/errors/errors.js'
import { limit_warnings } from '../../src/errors/warning_limit.js'
import { FakeClock } from '../../src/testing/fake_clock.js'

const MINUTE_MS = 60_000

function limited() {
  const clock = new FakeClock()
  const shown: string[] = []
  const warn = limit_warnings(
    error => shown.push(`${error.code}: ${error.message}`),
    (task, after_ms) => clock.start_timer(after_ms, task),
  )
  const cause = (times: number, code: NetErrorCode = 'handler_failed') => {
    for (let i = 0; i < times; i += 1) warn(new NetError(code, 'boom'))
    return shown.splice(0)
  }
  const after_ms = (ms: number) => {
    clock.advance(ms)
    return shown.splice(0)
  }
  return { clock, cause, after_ms }
}

const TEN = Array<string>(10).fill('handler_failed: boom')
const COUNTED = 'handler_failed: further errors with this code: counted for a minute'

test('shows the error itself', () => {
  const shown: NetError[] = []
  const error = new NetError('closed', 'an error')
  limit_warnings(
    got => shown.push(got),
    () => {},
  )(error)
  expect(shown[0]).toBe(error)
})

test('shows the first ten errors and a note, and the number of the others after a minute', () => {
  const { cause, after_ms } = limited()
  expect(cause(10)).toEqual(TEN)
  expect(cause(20_000)).toEqual([COUNTED])
  expect(after_ms(MINUTE_MS - 1)).toEqual([])
  expect(after_ms(1)).toEqual(['handler_failed: further errors with this code: 20000'])
})

test('shows no more than that in each minute of a flood', () => {
  const { cause, after_ms } = limited()
  for (let minute = 0; minute < 3; minute += 1) {
    expect(cause(1_000)).toEqual([...TEN, COUNTED])
    expect(after_ms(MINUTE_MS)).toHaveLength(1)
  }
})

test('shows nothing after a minute in which all errors were shown', () => {
  const { clock, cause, after_ms } = limited()
  expect(cause(10)).toEqual(TEN)
  expect(after_ms(MINUTE_MS)).toEqual([])
  expect(clock.timers).toBe(0)
  expect(cause(11)).toEqual([...TEN, COUNTED])
})

test('counts each code separately', () => {
  const { cause, after_ms } = limited()
  cause(500)
  expect(cause(1, 'connection_lost')).toEqual(['connection_lost: boom'])
  cause(29, 'connection_lost')
  expect(after_ms(MINUTE_MS)).toEqual([
    'handler_failed: further errors with this code: 490',
    'connection_lost: further errors with this code: 20',
  ])
})
