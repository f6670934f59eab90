import { describe, expect, it } from 'vitest'
import { parse_server } from '../src/server_address.js'

describe('the address of a server', () => {
  it.each([
    ['localhost', 'localhost:4222', false, undefined],
    ['127.0.0.1:4300', '127.0.0.1:4300', false, undefined],
    ['[::1]:4300', '[::1]:4300', false, undefined],
    ['nats://nats.example', 'nats.example:4222', false, undefined],
    ['nats://nats.example/', 'nats.example:4222', false, undefined],
    ['tls://nats.example:443', 'nats.example:443', true, undefined],
    ['nats://ada:p%40ss@one', 'one:4222', false, { user: 'ada', pass: 'p@ss' }],
    ['a%2Ftoken@one', 'one:4222', false, { token: 'a/token' }],
  ])('is parsed from %s', (given, address, is_tls, credentials) => {
    expect(parse_server(given)).toEqual({ address, is_tls, credentials })
  })

  it.each(['http://one', 'nats://', 'nats://one:99999', 'one two', 'nats://a,b'])(
    'is rejected if it is %s',
    given => {
      expect(() => parse_server(given)).toThrow(JSON.stringify(given))
    },
  )

  it.each(['nats://ada:100%secret@one', '%secret@one'])(
    'is rejected without showing a secret if it is %s',
    given => {
      expect(() => parse_server(given)).toThrow(/^nats: the option servers has "(nats:\/\/)?\*\*\*@one"/)
    },
  )
})
