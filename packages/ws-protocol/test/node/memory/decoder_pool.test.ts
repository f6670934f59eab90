import { expect, it } from 'vitest'
import type { DecoderEvents } from '../../../src/frames/decoder.js'
import { DecoderPool } from '../../../src/node/memory/decoder_pool.js'

const settings = { from: 'server', max_payload: 100, max_fragments: 10, is_compressed: false } as const

/** Records its messages. */
function sink_of(messages: unknown[]): DecoderEvents {
  const unexpected = (): never => {
    throw new Error('only messages are sent here')
  }
  return {
    on_message: data => void messages.push(data),
    on_compressed: unexpected,
    on_ping: unexpected,
    on_pong: unexpected,
    on_close: unexpected,
    on_broken: unexpected,
  }
}

const frame = (text: string): Buffer => Buffer.from([0x81, text.length, ...Buffer.from(text)])

it('lends a decoder to one connection after another, and each gets its own messages', () => {
  const pool = new DecoderPool(settings)
  const [first, second]: [unknown[], unknown[]] = [[], []]
  const decoder = pool.lend(sink_of(first))
  decoder.decode(frame('one'))
  pool.take_back(decoder)
  expect(pool.lend(sink_of(second))).toBe(decoder)
  decoder.decode(frame('two'))
  expect([first, second]).toEqual([['one'], ['two']])
})

it('lends several at a time', () => {
  const pool = new DecoderPool(settings)
  const [first, second]: [unknown[], unknown[]] = [[], []]
  const decoders = [pool.lend(sink_of(first)), pool.lend(sink_of(second))]
  for (const part of [0, 1])
    for (const [at, decoder] of decoders.entries()) {
      const bytes = frame(`to ${at}`)
      decoder.decode(part === 0 ? bytes.subarray(0, 3) : bytes.subarray(3))
    }
  expect([first, second]).toEqual([['to 0'], ['to 1']])
})
