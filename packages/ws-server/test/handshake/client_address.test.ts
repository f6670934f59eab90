import { describe, expect, it } from 'vitest'
import {
  forwarded_client,
  is_trust_proxy,
  type TrustedProxies,
  trusted_proxies,
} from '../../src/handshake/client_address.js'

/** The address that is read from headers, as `'ip port'`. */
function client(headers: Record<string, string>, proxies: TrustedProxies = {}): string | undefined {
  const found = forwarded_client(headers, proxies)
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

describe('trust_proxy', () => {
  it.each([
    [false, undefined],
    [true, { hops: 1 }],
    [3, { hops: 3 }],
    [{ header: 'forwarded' }, { header: 'forwarded' }],
  ] as const)('of %j means %j', (option, proxies) => {
    expect(is_trust_proxy(option)).toBe(true)
    expect(trusted_proxies(option)).toEqual(proxies)
  })

  it.each([
    0,
    -1,
    1.5,
    101,
    'true',
    null,
    { hops: 0 },
    { header: 'X-Forwarded-For' },
    { header: 'via' },
    { hop: 1 },
  ])('is not %j', value => {
    expect(is_trust_proxy(value)).toBe(false)
  })
})
