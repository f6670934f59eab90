import { expect, test } from 'vitest'
// @boundaries-ignore what the tests of all brokers need is in one place
import { thrown_to_nobody } from '../../../../scripts/broker_trials.mjs'
import { hand_on } from '../../src/node/index.js'

test('what a sink throws is thrown beside whoever hands on', async () => {
  const thrown = thrown_to_nobody()
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
