import { createServer } from 'node:http'
import { createServer as create_tcp_server } from 'node:net'
import { check_options } from '@bt/ws-protocol/internal'
import { describe, expect, it } from 'vitest'
import { listen } from '../src/index.js'
import { listen_rules } from '../src/options.js'

describe('the options of listen', () => {
  it.each([
    ['no port', '127.0.0.1'],
    ['port 70000', '127.0.0.1:70000'],
    ['no host', ':8081'],
    ['bare IPv6', '::1:8081'],
    ['a URL', 'ws://127.0.0.1:8081'],
    ['a Unix socket without a path', 'unix:'],
  ])('throws for a bind with %s, naming it', (_name, bind) => {
    expect(() => listen({ type: 'ws', bind })).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringMatching(new RegExp(`bind is "${bind}".*host:port`)),
      }),
    )
  })

  it.each([
    ['no options', undefined, /got undefined for its options/],
    ['no type', { bind: '127.0.0.1:0' }, /type is missing; expected 'ws'/],
    ['another type', { type: 'tcp', bind: '127.0.0.1:0' }, /type is "tcp"; expected 'ws'/],
    ['no bind', { type: 'ws' }, /bind is missing; expected 'host:port'.*or give server/],
    [
      'bind and server',
      { type: 'ws', bind: '127.0.0.1:0', server: createServer() },
      /bind and server exclude each other/,
    ],
    [
      'tls and server',
      { type: 'ws', server: createServer(), tls: { cert: '', key: '' } },
      /tls and server exclude each other/,
    ],
    [
      'a server that is an application',
      { type: 'ws', server: () => {} },
      /server is a function; expected an http or https server of Node's, such as .* Express's app.listen\(\)/,
    ],
    ['a server that is none', { type: 'ws', server: {} }, /server is an object; expected an http/],
    [
      'a server that is not of http',
      { type: 'ws', server: create_tcp_server() },
      /server is an instance of Server; expected an http/,
    ],
    ['null for a server', { type: 'ws', server: null }, /server is null; expected an http/],
    [
      'origins that are one text',
      { type: 'ws', bind: '127.0.0.1:0', origins: 'https://example.com' },
      /origins is "https:\/\/example.com"; expected '\*', an array/,
    ],
    [
      'an origin with a path',
      { type: 'ws', bind: '127.0.0.1:0', origins: ['https://example.com/app'] },
      /origins lists "https:\/\/example.com\/app"; write "https:\/\/example.com"/,
    ],
    [
      'an authorize that is none',
      { type: 'ws', bind: '127.0.0.1:0', authorize: true },
      /authorize is true; expected a function/,
    ],
    [
      'no proxies to trust',
      { type: 'ws', bind: '127.0.0.1:0', trust_proxy: 0 },
      /trust_proxy is 0; expected true, false, how many/,
    ],
    [
      'no connections from an address',
      { type: 'ws', bind: '127.0.0.1:0', max_connections_per_ip: 0 },
      /max_connections_per_ip is 0; expected a whole number of sockets from 1 to 10000000/,
    ],
    [
      'half a handshake',
      { type: 'ws', bind: '127.0.0.1:0', max_handshakes_per_second: 0.5 },
      /max_handshakes_per_second is 0.5; expected a whole number of handshakes/,
    ],
    [
      'a route without a slash',
      { type: 'ws', bind: '127.0.0.1:0', route: 'ws' },
      /route is "ws"; expected a path/,
    ],
    [
      'an unknown option',
      { type: 'ws', bind: '127.0.0.1:0', on_mesage: () => {} },
      /no option "on_mesage"; did you mean on_message\?/,
    ],
    [
      'a callback that is none',
      { type: 'ws', bind: '127.0.0.1:0', on_message: 'echo' },
      /on_message is "echo"; expected a function/,
    ],
    [
      'no connections',
      { type: 'ws', bind: '127.0.0.1:0', max_connections: 0 },
      /max_connections is 0; expected a whole number/,
    ],
    [
      'no messages a second',
      { type: 'ws', bind: '127.0.0.1:0', messages_per_second: 0 },
      /messages_per_second is 0; expected a whole number of messages from 1 to 10000000/,
    ],
    [
      'half a byte a second',
      { type: 'ws', bind: '127.0.0.1:0', bytes_per_second: 0.5 },
      /bytes_per_second is 0.5; expected a whole number of bytes from 1 to 1099511627776/,
    ],
  ])('throws for %s', (_name, options, message) => {
    expect(() => listen(options as never)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
    )
  })
})

it('the defaults of listen are those of the contract', () => {
  expect(check_options('listen', { type: 'ws', bind: '127.0.0.1:0' }, listen_rules)).toMatchObject({
    route: '/ws',
    server: undefined,
    origins: undefined,
    authorize: undefined,
    trust_proxy: false,
    max_connections_per_ip: undefined,
    max_handshakes_per_second: undefined,
    messages_per_second: undefined,
    bytes_per_second: undefined,
    max_fragments: 1_024,
    max_total_queue: 268_435_456,
    max_topics: 1_000,
    max_connections: 10_000,
    handshake_timeout: 10_000,
    compression: false,
  })
})
