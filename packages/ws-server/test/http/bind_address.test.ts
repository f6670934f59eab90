import { describe, expect, test } from 'vitest'
import { format_address } from '../../src/handshake/client_address.js'
import { BIND_EXPECTED, parse_bind } from '../../src/http/bind_address.js'

describe('parse_bind', () => {
  test.each([
    ['127.0.0.1:8081', '127.0.0.1', 8081],
    ['0.0.0.0:80', '0.0.0.0', 80],
    ['localhost:0', 'localhost', 0],
    ['example.com:443', 'example.com', 443],
    ['my-host_1:1', 'my-host_1', 1],
    ['中文.example:80', '中文.example', 80],
    ['127.0.0.1:65535', '127.0.0.1', 65_535],
    ['127.0.0.1:00080', '127.0.0.1', 80],
    ['[::1]:0', '::1', 0],
    ['[::]:8081', '::', 8081],
    ['[2001:DB8::a]:443', '2001:DB8::a', 443],
    ['[::ffff:127.0.0.1]:80', '::ffff:127.0.0.1', 80],
    ['[fe80::1%eth0]:80', 'fe80::1%eth0', 80],
  ])('reads %s as a host and a port', (bind, host, port) => {
    expect(parse_bind(bind)).toEqual({ kind: 'tcp', host, port })
  })

  test.each([
    ['unix:/run/app.sock', '/run/app.sock'],
    ['unix:/tmp/with space:80', '/tmp/with space:80'],
    ['unix:/tmp/中文', '/tmp/中文'],
  ])('reads %s as a Unix socket', (bind, path) => {
    expect(parse_bind(bind)).toEqual({ kind: 'unix', path })
  })

  test.each([
    ['no text', ''],
    ['no port', '127.0.0.1'],
    ['an empty port', '127.0.0.1:'],
    ['no host', '8081'],
    ['an empty host', ':8081'],
    ['empty brackets', '[]:8081'],
    ['IPv6 without brackets', '::1:80'],
    ['IPv6 without a port', '[::1]'],
    ['a bracket that is not closed', '[::1:80'],
    ['a bracket that is not opened', '::1]:80'],
    ['a port of 65,536', '127.0.0.1:65536'],
    ['a port of 70,000', '127.0.0.1:70000'],
    ['a port of six digits', '127.0.0.1:000080'],
    ['a negative port', '127.0.0.1:-1'],
    ['a signed port', '127.0.0.1:+80'],
    ['a port with a fraction', '127.0.0.1:80.5'],
    ['a port in hexadecimal', '127.0.0.1:0x50'],
    ['a port in full-width digits', '127.0.0.1:\uff18\uff10'],
    ['a port by name', 'localhost:http'],
    ['two ports', '127.0.0.1:80:81'],
    ['a space in front', ' 127.0.0.1:80'],
    ['a space behind', '127.0.0.1:80 '],
    ['a space before the port', '127.0.0.1: 80'],
    ['a space in the host', 'my host:80'],
    ['a line break behind', '127.0.0.1:80\n'],
    ['a URL', 'ws://127.0.0.1:80'],
    ['a path behind', '127.0.0.1:80/ws'],
    ['a query', 'host?x:80'],
    ['a fragment', 'host#x:80'],
    ['a user', 'user@host:80'],
    ['a Unix socket without a path', 'unix:'],
  ])('refuses %s', (_, bind) => {
    expect(parse_bind(bind)).toBeUndefined()
  })

  test('reads every address that BIND_EXPECTED gives as an example', () => {
    const examples = [...BIND_EXPECTED.matchAll(/'([^']+)'/g)].map(([, example]) => example as string)
    const [form, ...addresses] = examples
    expect(form).toBe('host:port')
    expect(addresses).not.toEqual([])
    expect(addresses.filter(address => parse_bind(address) === undefined)).toEqual([])
  })
})

describe('format_address', () => {
  test.each([
    ['127.0.0.1', 8081, '127.0.0.1:8081'],
    ['::1', 80, '[::1]:80'],
    ['fe80::1%eth0', 80, '[fe80::1%eth0]:80'],
    ['::ffff:10.0.0.7', 80, '10.0.0.7:80'],
    ['::FFFF:10.0.0.7', 80, '10.0.0.7:80'],
    ['::ffff:a00:7', 80, '[::ffff:a00:7]:80'],
    ['64:ff9b::10.0.0.7', 80, '[64:ff9b::10.0.0.7]:80'],
  ])('writes %s and %i as %s', (ip, port, address) => {
    expect(format_address(ip, port)).toBe(address)
  })

  test.each(['127.0.0.1', '::1', '2001:db8::1'])('formats an address that parse_bind accepts: %s', ip => {
    expect(parse_bind(format_address(ip, 8081))).toEqual({ kind: 'tcp', host: ip, port: 8081 })
  })
})

test.each([
  '[hello]:80',
  '[:]:80',
  '[1.2.3.4]:80',
  '[::1::2]:80',
  '[12345::]:80',
  '[::1%]:80',
  '[fe80::1%a:b]:80',
  '[fe80::1%a%b]:80',
  '[1:2:3:4:5:6:7]:80',
  '[1:2:3:4:5:6:7:8::]:80',
  'a\0b:80',
])('%j is no bind', bind => expect(parse_bind(bind)).toBeUndefined())

test.each([
  '::',
  '::1',
  '1::',
  'fe80::1%eth-0',
  'fe80::1%br_lan',
  '1:2:3:4:5:6:7:8',
  '::ffff:1.2.3.4',
  'ABCD:ef01::',
])('an IPv6 address in brackets is a host: %s', host =>
  expect(parse_bind(`[${host}]:80`)).toEqual({ kind: 'tcp', host, port: 80 }),
)

test.each([`unix:/${'x'.repeat(107)}`, `unix:/${'中'.repeat(36)}`, 'unix:/tmp/nul\0x.sock'])(
  'a Unix path that the system would cut off is no bind: %j',
  bind => expect(parse_bind(bind)).toBeUndefined(),
)

test('a Unix path of 107 bytes is a bind', () => {
  expect(parse_bind(`unix:/${'x'.repeat(106)}`)).toBeDefined()
})
