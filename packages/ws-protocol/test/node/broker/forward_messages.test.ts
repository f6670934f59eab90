import { thrown_to_nobody } from '@bt/test-support/broker_trials'
import { expect, test } from 'vitest'
import { forward_messages } from '../../../src/node/broker/forward_messages.js'

test('an error of the sink is thrown in a later tick', async () => {
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
  forward_messages(sink, 'one', new Uint8Array())
  forward_messages({ ...sink, received: channel => received.push(channel) }, 'two', new Uint8Array())
  expect(received).toEqual(['one', 'two'])
  expect(String((await thrown)[0])).toBe('Error: a bug')
})
