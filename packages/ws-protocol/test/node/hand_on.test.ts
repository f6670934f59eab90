import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { hand_on } from '../../src/node/index.js'

const listeners = process.listeners('uncaughtException')
beforeEach(() => {
  process.removeAllListeners('uncaughtException')
})
afterEach(() => {
  for (const listener of listeners) process.on('uncaughtException', listener)
})

test('what a sink throws is thrown beside whoever hands on', async () => {
  const thrown = once(process, 'uncaughtException')
  const received: string[] = []
  const sink = {
    received: (channel: string) => {
      received.push(channel)
      throw new Error('a bug')
    },
    lost: () => {},
    refused: () => {},
  }
  hand_on(sink, 'one', new Uint8Array())
  hand_on({ ...sink, received: channel => received.push(channel) }, 'two', new Uint8Array())
  expect(received).toEqual(['one', 'two'])
  expect(String((await thrown)[0])).toBe('Error: a bug')
})
