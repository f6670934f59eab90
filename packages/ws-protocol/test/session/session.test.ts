import { describe, expect, it } from 'vitest'
import { Session, SessionViolation } from '../../src/session/session.js'

const WINDOW = 1_000

/** Makes a session that has sent 5 messages, of which 2 are known to be handled, and that received 3. */
function make_session(): Session {
  const session = new Session(WINDOW)
  session.resume({ received: 0, handled: 0, window: WINDOW })
  session.wrote(5)
  session.acknowledged_by(2)
  for (let i = 0; i < 3; i += 1) session.arrived()
  session.did_handle()
  return session
}

const welcome = { type: 'welcome', token: new Uint8Array(), hold_ms: 1, protocol: '', window: 9 } as const

describe('a session', () => {
  it('greets with its counts, so that no acknowledgement is due', () => {
    const session = make_session()
    expect(session.untold).toBe(1)
    expect(session.greet()).toEqual({ received: 3, handled: 1, window: WINDOW })
    expect([session.untold, session.is_attached]).toEqual([0, false])
  })

  it('keeps what is not handled, and sends again what has not arrived', () => {
    const session = make_session()
    expect(session.resume({ received: 4, handled: 3, window: 7 })).toEqual({
      recovered: true,
      skip: 1,
      in_doubt: 0,
    })
    expect(session).toMatchObject({ unacknowledged: 2, peer_window: 7, is_attached: true })
  })

  it.each([
    ['more was handled than has arrived', { received: 3, handled: 4 }],
    ['more has arrived than was sent', { received: 6, handled: 2 }],
  ])('does not believe that %s', (_, counts) => {
    expect(() => make_session().resume({ ...counts, window: 1 })).toThrow(SessionViolation)
    const recovered = { ...welcome, recovered: true, ...counts }
    expect(() => make_session().welcomed(recovered, false)).toThrow(
      /^the peer claims to have received \d and handled \d of 5/,
    )
  })

  it('does not go on with a client that has forgotten what it said, nor with such a server', () => {
    const counts = { received: 4, handled: 1, window: 1 }
    const session = make_session()
    session.greet()
    expect(session.resume(counts)).toBe(false)
    expect(session).toMatchObject({ acknowledged: 2, is_attached: false })
    const forgetful = { ...welcome, token: Uint8Array.of(77), recovered: true, ...counts }
    expect(() => session.welcomed(forgetful, false)).toThrow(
      new SessionViolation('the peer claims to have received 4 and handled 1 of 5 messages'),
    )
  })

  it('starts over with a new session, whose counts leave out what still waits from the old one', () => {
    const session = make_session()
    const fresh = { ...welcome, recovered: false, received: 0, handled: 0 }
    expect(session.welcomed(fresh, false)).toEqual({ recovered: false, skip: 0, in_doubt: 3 })
    expect(session).toMatchObject({ sent: 0, unacknowledged: 0, received: 0, handled: 0, peer_window: 9 })
    session.did_handle()
    session.did_handle()
    expect(session.handled).toBe(0)
    session.arrived()
    session.did_handle()
    expect(session.handled).toBe(1)
  })

  it('does not believe that a new session has received something', () => {
    const counts = { received: 1, handled: 0 }
    expect(() => make_session().welcomed({ ...welcome, recovered: false, ...counts }, false)).toThrow(
      SessionViolation,
    )
  })

  it.each([1, 6])('does not believe that %d messages are handled now', handled => {
    expect(() => make_session().acknowledged_by(handled)).toThrow(
      `the peer claims to have handled ${handled} of 5`,
    )
    expect(() => make_session().ended(handled)).toThrow(SessionViolation)
  })

  it('does not believe that a message is handled before it is sent again', () => {
    const session = make_session()
    session.resume({ received: 3, handled: 2, window: 1 })
    expect(() => session.acknowledged_by(4)).toThrow('the peer claims to have handled 4 of 3 messages')
    session.wrote_again(1)
    expect(session.acknowledged_by(4)).toBe(2)
    session.wrote_again(1)
    session.wrote(1)
    expect(session.acknowledged_by(6)).toBe(2)
  })

  it('acknowledges all that was handled at once', () => {
    const session = make_session()
    session.did_handle()
    expect(session.acknowledge()).toEqual({ type: 'ack', handled: 2 })
    expect(session.untold).toBe(0)
  })

  it('ends with what was handled until then', () => {
    const session = make_session()
    expect(session.end(1000, false)).toEqual({ type: 'end', handled: 1, code: 1000 })
    expect(session.has_ended).toBe(true)
    const other = make_session()
    expect(other.ended(4)).toBe(2)
    expect(other).toMatchObject({ has_ended: true, unacknowledged: 1 })
  })
})
