import { NetError } from '@bt/ws-protocol'
import { flaws_in, HOSTILE_TEXT, messages_of } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { type RedisOptions, redis } from '../src/index.js'

/** Returns the error for invalid options, and checks that it shows no hostile text and no secret. */
function error_of(options: unknown): NetError {
  try {
    redis(options as RedisOptions)
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
  it.each([
    ['redis://127.0.0.1', 'Redis at 127.0.0.1:6379'],
    ['redis://ada:secret@127.0.0.1:7000/3', 'Redis at 127.0.0.1:7000'],
    ['rediss://[::1]:7000', 'Redis at [::1]:7000'],
    ['unix://ada:secret@/run/redis.sock', 'Redis at /run/redis.sock'],
    [['redis://a:1', 'redis://b:2', 'redis://c:3', 'redis://d:4'], 'Redis at a:1, b:2, c:3 and 1 more'],
  ])('of %s contains its address and no credentials', (url, name) => {
    expect(redis({ url }).broker).toBe(name)
  })
})

describe('the prefix', () => {
  it('is bt by default', () => {
    expect(redis({ url: 'redis://localhost' }).prefix).toBe('bt')
    expect(redis({ url: 'redis://localhost', prefix: 'shop.live-2' }).prefix).toBe('shop.live-2')
  })
})

describe('invalid options', () => {
  it.each([
    [undefined, 'redis got undefined for its options'],
    [{}, 'the option url is missing'],
    [{ url: [] }, 'the option url is of type object'],
    [{ url: ['redis://a', 7] }, 'the option url is of type object'],
    [{ url: '' }, 'the option url has ""'],
    [{ url: 'localhost:6379' }, 'the option url has "localhost:6379"'],
    [{ url: 'http://localhost' }, 'the option url has "http://localhost"'],
    [{ url: 'redis://' }, 'the option url has "redis://"'],
    [{ url: 'redis://localhost/x' }, 'the option url has "redis://localhost/x"'],
    [{ url: 'redis://localhost?db=1' }, 'the option url has "redis://localhost?***"'],
    [{ url: 'redis://localhost?password=secret' }, 'the option url has "redis://localhost?***"'],
    [{ url: 'redis://ada:secret@localhost/#secret' }, 'the option url has "redis://***@localhost/#***"'],
    [{ url: 'redis://ada@corp.com:secret@local host' }, 'the option url has "redis://***@local host"'],
    [
      { url: `redis://local host/${HOSTILE_TEXT}${'x'.repeat(10_000)}` },
      'the option url has "redis://local host/',
    ],
    [{ url: ['redis://a', `rediss://secret@b?secret`] }, 'the option url has "rediss://***@b?***"'],
    [{ url: 'redis://ada:secret@a', options: { socket: { tls: true } } }, '"redis://***@a" says otherwise'],
    [{ url: { password: 'secret' } }, 'the option url is of type object'],
    [{ url: 'redis://a', options: 'secret' }, 'the option options is of type string'],
    [{ url: 'redis://a', options: { [HOSTILE_TEXT.repeat(100)]: 'secret' } }, 'there is no option "'],
    [{ url: 'redis://a', prefix: 'a*' }, 'the option prefix is "a*"'],
    [{ url: 'redis://a', connect_timeout: 60_000 }, 'from 1 to 10000'],
    [{ urls: 'redis://a' }, 'did you mean url?'],
    [{ url: 'redis://a', options: 'tls' }, 'the option options is of type string'],
    [{ url: 'redis://a', options: { RESP: 2 } }, 'there is no option "RESP" in options; known are'],
    [{ url: 'redis://a', options: { socket: { reconnectStrategy: 5 } } }, 'options.socket.reconnectStrategy'],
    [{ url: 'redis://a', options: { socket: { connectTimeout: 5 } } }, 'instead there is connect_timeout'],
    [{ url: 'redis://a', options: { socket: 5 } }, 'the option options is of type object'],
    [{ url: 'redis://a', options: { socket: { tls: true } } }, 'write rediss://'],
    [{ url: 'rediss://a', options: { socket: { tls: false } } }, 'write redis://'],
    [{ url: 'redis://ada:x@a', options: { password: 'x' } }, 'give them once'],
  ])('are rejected: %j', (options, message) => {
    expect(error_of(options).message).toContain(message)
  })

  it.each([
    'redis://ada:secret@',
    'redis://ada:secret@one/two',
    'ada:secret@one',
    'http://ada:se@secret:cret@one',
    'unix://ada:secret@run',
    'redis://ada:1#secret@one',
    'redis://ada:1?secret@one',
    'redis://ada:100%secret@one',
  ])('are reported without the credentials in %s', url => {
    const error = error_of({ url })
    expect(error.message).toContain('***@')
    expect(JSON.stringify([error.message, error.cause])).not.toContain('secret')
  })
})
