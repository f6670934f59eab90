import { createClient } from '@redis/client'
import { describe, expect, it } from 'vitest'
// @boundaries-ignore brokers for tests are started in one place
import { start_redis } from '../../../scripts/brokers.mjs'
import { channel_in, slot_of } from '../src/slot.js'

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
  it('is the one that Redis says', async () => {
    const broker = await start_redis({ cluster: true })
    const client = await createClient({ url: broker.url }).connect()
    const expected = await Promise.all(CHANNELS.map(channel => client.clusterKeySlot(channel)))
    client.destroy()
    await broker.close()
    expect(CHANNELS.map(slot_of)).toEqual(expected)
  })
})

describe('a channel in a slot that will do', () => {
  it('has such a slot', () => {
    expect(slot_of(channel_in(slot => slot === 16_383))).toBe(16_383)
    expect(slot_of(channel_in(slot => slot < 100))).toBeLessThan(100)
  })
})
