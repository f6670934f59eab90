import { NetError } from '@bt/ws-protocol'
import { flaws_in, HOSTILE_TEXT, messages_of } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { type NatsOptions, nats } from '../src/index.js'

/** Returns the error for invalid options, and checks that it shows no hostile text and no secret. */
function error_of(options: unknown): NetError {
  try {
    nats(options as NatsOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(NetError)
    expect((error as NetError).code).toBe('invalid_option')
    expect(flaws_in((error as NetError).message)).toEqual([])
    expect(messages_of(error)).not.toContain('secret')
    return error as NetError
  }
  throw new Error('nothing was thrown')
}

describe('the name of a broker', () => {
  it('contains its address', () => {
    expect(nats({ servers: 'nats://127.0.0.1:4333' }).broker).toBe('NATS at 127.0.0.1:4333')
  })

  it('omits credentials', () => {
    expect(nats({ servers: ['nats://ada:secret@one', 'ada:secret@two:4300'] }).broker).toBe(
      'NATS at one:4222, two:4300',
    )
  })

  it('lists at most three servers', () => {
    const servers = ['a', 'b', 'c', 'd', 'e']
    expect(nats({ servers }).broker).toBe('NATS at a:4222, b:4222, c:4222 and 2 more')
  })
})

describe('the prefix', () => {
  it('is bt by default', () => {
    expect(nats({ servers: 'localhost' }).prefix).toBe('bt')
    expect(nats({ servers: 'localhost', prefix: 'shop.live-2' }).prefix).toBe('shop.live-2')
  })

  it.each(['', '.', 'a.', '.a', 'a..b', 'a b', 'a*', '>', 'ü', 'x'.repeat(65), 7])(
    'is rejected if it is %j',
    prefix => {
      expect(error_of({ servers: 'localhost', prefix }).message).toContain('the option prefix is')
    },
  )
})

describe('invalid options', () => {
  it.each([
    [undefined, 'nats got undefined for its options'],
    [{}, 'the option servers is missing'],
    [{ servers: [] }, 'the option servers is of type object'],
    [{ servers: ['a', 7] }, 'the option servers is of type object'],
    [{ servers: '' }, 'the option servers has ""'],
    [{ servers: 'ws://localhost' }, 'the option servers has "ws://localhost"'],
    [{ servers: 'localhost:x' }, 'the option servers has "localhost:x"'],
    [{ servers: 'nats://localhost/path' }, 'the option servers has "nats://localhost/path"'],
    [{ servers: ['one', 'nats://two?tls'] }, 'the option servers has "nats://two?***"'],
    [{ servers: 'nats://one?token=secret' }, 'the option servers has "nats://one?***"'],
    [{ servers: 'nats://secret@one/#secret' }, 'the option servers has "nats://***@one/#***"'],
    [{ servers: 'ada@corp.com:secret@o ne' }, 'the option servers has "***@o ne"'],
    [{ servers: `nats://one/${HOSTILE_TEXT}${'x'.repeat(10_000)}` }, 'the option servers has "nats://one/'],
    [{ servers: { token: 'secret' } }, 'the option servers is of type object'],
    [{ servers: 'one', options: { [HOSTILE_TEXT.repeat(100)]: 'secret' } }, 'there is no option "'],
    [{ servers: 'one', connect_timeout: 0 }, 'the option connect_timeout is 0'],
    [{ servers: 'one', connect_timeout: 10_001 }, 'from 1 to 10000'],
    [{ server: 'one' }, 'did you mean servers?'],
    [{ servers: 'one', options: 'tls' }, 'the option options is of type string'],
    [
      { servers: 'one', options: { reconnect: true } },
      'there is no option "reconnect" in options; known are',
    ],
    [{ servers: 'tls://one', options: { tls: null } }, 'options.tls is null'],
  ])('are rejected: %j', (options, message) => {
    expect(error_of(options).message).toContain(message)
  })

  it.each([
    { servers: 'nats://ada:secret@' },
    { servers: 'nats://ada:secret@one/two' },
    { servers: 'ada:se@secret:cret@one:x' },
    { servers: ['ada:secret@one', 'bob:secret@two'] },
    { servers: 'ada:secret@one', options: { user: 'ada', pass: 'secret' } },
    { servers: 'secret@one', options: { token: 'secret' } },
  ])('are reported without credentials', options => {
    expect(error_of(options).message).not.toContain('secret')
  })

  it('include credentials that differ or are given twice', () => {
    expect(error_of({ servers: ['ada:a@one', 'bob:b@two'] }).message).toContain('differ')
    expect(error_of({ servers: 'ada:a@one', options: { token: 't' } }).message).toContain('give them once')
  })
})
