import { describe, expect, it } from 'vitest'
import { forwarded_client } from '../../src/handshake/client_address.js'
import { type TrustProxyOption, trusted_proxies } from '../../src/handshake/trusted_proxies.js'

/** The address that is read from headers, as `'ip port'`, if the connection comes from `peer_ip`. */
function client(
  headers: Record<string, string>,
  option: TrustProxyOption = {},
  peer_ip?: string,
): string | undefined {
  const proxies = trusted_proxies(option)
  const found = proxies && forwarded_client(headers, proxies, peer_ip)
  return found && `${found.ip} ${found.port}`
}

describe('X-Forwarded-For', () => {
  it.each([
    ['192.0.2.1', 1, '192.0.2.1 0'],
    ['192.0.2.1:4711', 1, '192.0.2.1 4711'],
    ['2001:db8::1', 1, '2001:db8::1 0'],
    ['[2001:db8::1]', 1, '2001:db8::1 0'],
    ['[2001:db8::1]:4711', 1, '2001:db8::1 4711'],
    ['::ffff:192.0.2.1', 1, '::ffff:192.0.2.1 0'],
    ['fe80::1%eth0', 1, 'fe80::1 0'],
    [`[fe80::1%${'a'.repeat(5_000)}]:4711`, 1, 'fe80::1 4711'],
    ['198.51.100.9, 192.0.2.1', 1, '192.0.2.1 0'],
    ['198.51.100.9, 192.0.2.1', 2, '198.51.100.9 0'],
    ['198.51.100.9,192.0.2.1 ,203.0.113.1', 2, '192.0.2.1 0'],
    ['forged, 10.0.0.1, 192.0.2.1', 1, '192.0.2.1 0'],
    ['"forged, 192.0.2.1', 1, '192.0.2.1 0'],
    [', 192.0.2.1', 1, '192.0.2.1 0'],
  ])('%s through %i proxies is %s', (list, hops, expected) => {
    expect(client({ 'x-forwarded-for': list }, { hops })).toBe(expected)
  })

  it.each([
    ['', 1],
    ['192.0.2.1', 2],
    ['192.0.2.1,', 1],
    ['forged, , 192.0.2.1', 2],
    ['192.0.2.1, unknown', 1],
    ['192.0.2.1, _hidden', 1],
    ['192.0.2', 1],
    ['192.0.2.256', 1],
    ['192.0.2.1:99999', 1],
    ['192.0.2.1:port', 1],
    ['[192.0.2.1]', 1],
    ['[2001:db8::1', 1],
    ['2001:db8::1::2', 1],
    ['localhost', 1],
    ['for=192.0.2.1', 1],
    ['192.0.2.1 198.51.100.9', 1],
  ])('%j through %i proxies tells nothing', (list, hops) => {
    expect(client({ 'x-forwarded-for': list }, { hops })).toBeUndefined()
  })
})

describe('Forwarded', () => {
  it.each([
    ['for=192.0.2.1', 1, '192.0.2.1 0'],
    ['For="192.0.2.1:4711"', 1, '192.0.2.1 4711'],
    ['for=192.0.2.1:4711', 1, '192.0.2.1 4711'],
    ['for="[2001:db8::1]:4711"', 1, '2001:db8::1 4711'],
    ['for="[2001:db8::1]"', 1, '2001:db8::1 0'],
    ['for="[fe80::1%25eth0]:4711"', 1, 'fe80::1 4711'],
    ['for="192.0.2.1:_made_up"', 1, '192.0.2.1 0'],
    ['proto=https;for=192.0.2.1; by=203.0.113.43', 1, '192.0.2.1 0'],
    ['for=192.0.2.1;host="a;for=6.6.6.6, for=7.7.7.7"', 1, '192.0.2.1 0'],
    ['for=192.0.2.1;host="a\\";for=6.6.6.6"', 1, '192.0.2.1 0'],
    ['for="19\\2.0.2.1"', 1, '192.0.2.1 0'],
    ['for=198.51.100.9, for=192.0.2.1', 1, '192.0.2.1 0'],
    ['for=198.51.100.9, for=192.0.2.1', 2, '198.51.100.9 0'],
    ['for=198.51.100.9, for=192.0.2.1;proto=http, for=203.0.113.1', 2, '192.0.2.1 0'],
    ['for="forged, for=192.0.2.1', 1, '192.0.2.1 0'],
    ['for="forged, for="[2001:db8::1]"', 1, '2001:db8::1 0'],
    ['for="\\", for=192.0.2.1', 1, '192.0.2.1 0'],
    [';for=192.0.2.1', 1, '192.0.2.1 0'],
    ['proto=https; ;for=192.0.2.1;', 1, '192.0.2.1 0'],
  ])('%s through %i proxies is %s', (list, hops, expected) => {
    expect(client({ forwarded: list }, { hops })).toBe(expected)
  })

  it.each([
    ['', 1],
    ['for=unknown', 1],
    ['for=_hidden', 1],
    ['for="_SEVKISEK:1"', 1],
    ['proto=https', 1],
    ['for=192.0.2.1', 2],
    ['for=192.0.2.1;for=6.6.6.6', 1],
    ['192.0.2.1', 1],
    ['for=', 1],
    ['for="192.0.2.1', 1],
    ['for=192.0.2.1 for=6.6.6.6', 1],
    ['for=192.0.2.1, ', 1],
  ])('%j through %i proxies tells nothing', (list, hops) => {
    expect(client({ forwarded: list }, { hops })).toBeUndefined()
  })
})

describe('of both headers', () => {
  const both = { forwarded: 'for=192.0.2.1', 'x-forwarded-for': '198.51.100.9' }

  it.each([
    ['X-Forwarded-For is read', both, {}, '198.51.100.9 0'],
    ['Forwarded is read where it is alone', { forwarded: 'for=192.0.2.1' }, {}, '192.0.2.1 0'],
    ['the one is read that is asked for', both, { header: 'forwarded' }, '192.0.2.1 0'],
    ['the other one is never read', { forwarded: 'for=192.0.2.1' }, { header: 'x-forwarded-for' }, undefined],
    ['an X-Forwarded-For that is empty hides the other', { ...both, 'x-forwarded-for': '' }, {}, undefined],
  ] as const)('%s', (_name, headers, proxies, expected) => {
    expect(client(headers, proxies)).toBe(expected)
  })
})

describe('through proxies with known addresses', () => {
  const PROXIES = ['10.0.0.0/8', 'fd00::/8', '192.0.2.7', 'loopback']

  it.each([
    ['10.0.0.1', '198.51.100.9', '198.51.100.9 0'],
    ['10.0.0.1', '198.51.100.9:4711', '198.51.100.9 4711'],
    ['10.0.0.1', '6.6.6.6, 198.51.100.9', '198.51.100.9 0'],
    ['10.0.0.1', '10.6.6.6, 198.51.100.9, 10.0.0.2, [fd00::1]:80, 192.0.2.7', '198.51.100.9 0'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3 0'],
    ['::ffff:10.0.0.1', '198.51.100.9', '198.51.100.9 0'],
    ['::ffff:a00:1', '198.51.100.9, ::ffff:10.0.0.2', '198.51.100.9 0'],
    ['127.9.9.9', '198.51.100.9', '198.51.100.9 0'],
    ['::1', '2001:db8::1, ::1', '2001:db8::1 0'],
    ['fd00::1%eth0', '[2001:db8::1]:4711, fd00::2%eth0', '2001:db8::1 4711'],
    ['10.0.0.1', '"6.6.6.6, 198.51.100.9', '198.51.100.9 0'],
  ])('from %s, the client in %j is %s', (peer_ip, list, expected) => {
    expect(client({ 'x-forwarded-for': list }, PROXIES, peer_ip)).toBe(expected)
  })

  it.each([
    ['11.0.0.1', '198.51.100.9'],
    ['192.0.2.8', '10.0.0.1'],
    ['::ffff:11.0.0.1', '198.51.100.9'],
    ['fe80::1', '198.51.100.9'],
    [undefined, '198.51.100.9'],
    ['10.0.0.1', ''],
    ['10.0.0.1', 'unknown'],
    ['10.0.0.1', '198.51.100.9, _hidden, 10.0.0.2'],
    ['10.0.0.1', '198.51.100.9,'],
    ['10.0.0.1', '198.51.100.9, 10.0.0.256'],
  ])('from %s, nothing is taken from %j', (peer_ip, list) => {
    expect(client({ 'x-forwarded-for': list }, PROXIES, peer_ip)).toBeUndefined()
  })

  it('the client is in Forwarded, quoted and with ports, behind parameters that look like it', () => {
    const forwarded = 'for=6.6.6.6, for="[2001:db8::1]:47";by="a, for=7.7.7.7", for="10.0.0.2:80";proto=http'
    expect(client({ forwarded }, PROXIES, '10.0.0.1')).toBe('2001:db8::1 47')
    const headers = { forwarded, 'x-forwarded-for': '6.6.6.6' }
    expect(client(headers, { addresses: PROXIES, header: 'forwarded' }, '10.0.0.1')).toBe('2001:db8::1 47')
    expect(client(headers, { addresses: PROXIES, header: 'forwarded' }, '11.0.0.1')).toBeUndefined()
  })

  it('an empty list of them trusts none', () => {
    expect(client({ 'x-forwarded-for': '198.51.100.9' }, [], '10.0.0.1')).toBeUndefined()
  })
})
