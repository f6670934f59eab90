import { start_redis } from '@bt/test-support/brokers'
import { createClient } from '@redis/client'
import { describe, expect, it } from 'vitest'
import { find_channel, slot_of } from '../src/slot.js'

const CHANNELS = [
  '',
  '123456789',
  'bt.all',
  'bt.topic.%E4%BD%A0',
  '你好',
  'bt.{news}.one',
  '{news}',
  'a{}b{c}',
  '{}{c}',
  'a{b',
  'a}b{c',
  '{{a}}',
  ...Array.from({ length: 500 }, (_, index) => `bt.topic.${index * 7_919}`),
]

describe('the slot of a channel', () => {
  it('is the same as in Redis', async () => {
    const broker = await start_redis({ cluster: true })
    const client = await createClient({ url: broker.url }).connect()
    const expected = await Promise.all(CHANNELS.map(channel => client.clusterKeySlot(channel)))
    client.destroy()
    await broker.close()
    expect(CHANNELS.map(slot_of)).toEqual(expected)
  })
})

describe('a channel found for given slots', () => {
  it('is in one of them', () => {
    expect(slot_of(find_channel(slot => slot === 16_383))).toBe(16_383)
    expect(slot_of(find_channel(slot => slot < 100))).toBeLessThan(100)
  })
})
