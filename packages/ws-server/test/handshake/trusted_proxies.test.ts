import { describe, expect, it } from 'vitest'
import { AddressRanges, is_trust_proxy, trusted_proxies } from '../../src/handshake/trusted_proxies.js'

describe('trust_proxy', () => {
  it.each([
    [false, undefined],
    [true, { hops: 1 }],
    [3, { hops: 3 }],
    [{ header: 'forwarded' }, { hops: 1, header: 'forwarded' }],
    [{ hops: 2 }, { hops: 2 }],
    [['10.0.0.1'], { hops: 1, addresses: expect.any(AddressRanges) }],
    [
      { addresses: ['10.0.0.1'], header: 'forwarded' },
      { hops: 1, header: 'forwarded', addresses: expect.any(AddressRanges) },
    ],
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
    'loopback',
    null,
    { hops: 0 },
    { hops: 1, addresses: ['10.0.0.1'] },
    { addresses: '10.0.0.1' },
    { header: 'X-Forwarded-For' },
    { header: 'via', addresses: ['10.0.0.1'] },
    { hop: 1 },
  ])('is not %j', value => {
    expect(is_trust_proxy(value)).toBe(false)
  })

  it.each([
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '10.0.0.256',
    '10.0.0',
    '010.0.0.1',
    ' 10.0.0.1',
    '10.0.0.1:80',
    '[::1]',
    'fe80::1%eth0',
    'Loopback',
    'localhost',
    '*',
    '',
    7,
    null,
    undefined,
    ['10.0.0.1'],
  ])('names the entry %j, which is no address or range', entry => {
    for (const option of [['10.0.0.1', entry], { addresses: ['10.0.0.1', entry] }])
      expect(() => is_trust_proxy(option)).toThrow(
        expect.objectContaining({
          code: 'invalid_option',
          message: expect.stringMatching(
            /^listen: the option trust_proxy has the entry .+; expected an IP address such as '10\.0\.0\.1' or '::1', a range/,
          ),
        }),
      )
    if (typeof entry === 'string') expect(() => is_trust_proxy([entry])).toThrow(JSON.stringify(entry))
  })
})

describe('a set of ranges', () => {
  it.each([
    [
      '10.0.0.0/8',
      ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3', '::ffff:a01:203'],
      ['11.0.0.0', '9.255.255.255', '::a00:1'],
    ],
    ['10.1.2.3/8', ['10.9.9.9'], ['11.0.0.0']],
    ['192.0.2.1', ['192.0.2.1', '::FFFF:192.0.2.1'], ['192.0.2.0', '192.0.2.2']],
    ['192.0.2.0/31', ['192.0.2.1'], ['192.0.2.2']],
    ['0.0.0.0/0', ['6.6.6.6', '::ffff:6.6.6.6'], ['2001:db8::1']],
    ['fd00::/8', ['fd00::1', 'fdff::1', 'FD00:0::1', 'fd00::1%eth0'], ['fe00::1', '10.0.0.1']],
    ['2001:db8::/33', ['2001:db8:7fff::1'], ['2001:db8:8000::1']],
    ['::1', ['::1', '0:0:0:0:0:0:0:1'], ['::2', '127.0.0.1']],
    ['::ffff:10.0.0.0/104', ['10.1.2.3', '::ffff:10.1.2.3'], ['11.0.0.1']],
    ['::ffff:192.0.2.1', ['192.0.2.1', '::ffff:192.0.2.1'], ['192.0.2.2']],
    ['loopback', ['127.0.0.1', '127.255.0.1', '::ffff:127.0.0.1', '::1'], ['128.0.0.1', '10.0.0.1', '::2']],
  ])('of %s has %j, and not %j', (range, inside, outside) => {
    const ranges = new AddressRanges([range])
    for (const ip of inside) expect([ip, ranges.has(ip)]).toEqual([ip, true])
    for (const ip of outside) expect([ip, ranges.has(ip)]).toEqual([ip, false])
  })
})
