import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { AddressLimit, address_group, Counts } from '../../src/admission/address_limit.js'

describe('address_group', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:0:192.0.2.1', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002:ffff::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
  ])('counts %s as %s', (ip, group) => {
    expect(address_group(ip)).toBe(group)
  })
})

describe('Counts', () => {
  it('keeps no name that has none left', () => {
    const counts = new Counts()
    counts.add('a')
    counts.add('a')
    counts.add('b')
    counts.remove('a')
    counts.remove('b')
    expect([counts.of('a'), counts.of('b'), counts.size]).toEqual([1, 0, 1])
    counts.remove('a')
    expect(counts.size).toBe(0)
  })
})

describe('AddressLimit', () => {
  it('counts sockets until they close, and keeps no memory of closed ones', () => {
    const limit = new AddressLimit(2)
    const sockets = Array.from({ length: 2 }, () => new EventEmitter() as Socket)
    for (const socket of sockets) limit.count(socket, '2001:db8::1')
    expect(limit.is_full('2001:db8::2')).toBe(true)
    expect(limit.is_full('2001:db8:0:1::2')).toBe(false)
    sockets[0]?.emit('close')
    expect(limit.is_full('2001:db8::2')).toBe(false)
    sockets[1]?.emit('close')
    expect(limit.size).toBe(0)
  })
})
