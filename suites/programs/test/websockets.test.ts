import { PONG } from '@bt/test-support/frames'
import { describe_with } from '@bt/test-support/installed'
import { afterAll, expect, it } from 'vitest'
import { exchange_compressed } from './exchanges.ts'
import { DIRECT } from './front.ts'
import { open_to_our_server } from './pair.ts'
import { type DeflateOffer, Program } from './program.ts'
import { python_websockets } from './programs.ts'
import { try_exchanges } from './try_exchanges.ts'

const { installed, args } = python_websockets()

try_exchanges(python_websockets())

const SERVER_WITHOUT: DeflateOffer = { server_no_context_takeover: true }
const CLIENT_WITHOUT: DeflateOffer = { client_no_context_takeover: true }
/** It sends `client_max_window_bits` unless it is told not to. */
const NO_BITS: DeflateOffer = { client_max_window_bits: null }
const BITS = [8, 9, 10, 11, 12, 13, 14, 15]

describe_with(installed, 'our server understands what a client of websockets sends that offers', () => {
  const program = new Program(installed.command, args, DIRECT.env())
  afterAll(() => program.kill())

  it.each<[string, readonly DeflateOffer[]]>([
    ['no parameter', [NO_BITS]],
    ['server_no_context_takeover', [{ ...NO_BITS, ...SERVER_WITHOUT }]],
    ['client_no_context_takeover', [{ ...NO_BITS, ...CLIENT_WITHOUT }]],
    ['both', [{ ...NO_BITS, ...SERVER_WITHOUT, ...CLIENT_WITHOUT }]],
    ['client_max_window_bits', [{ client_max_window_bits: true }]],
    ...BITS.map((bits): [string, DeflateOffer[]] => [
      `server_max_window_bits=${bits}`,
      [{ ...NO_BITS, server_max_window_bits: bits }],
    ]),
    // zlib, and so Python, packs with no window of 8 bits.
    ...BITS.slice(1).map((bits): [string, DeflateOffer[]] => [
      `client_max_window_bits=${bits}`,
      [{ client_max_window_bits: bits }],
    ]),
    [
      'all parameters',
      [
        {
          ...SERVER_WITHOUT,
          ...CLIENT_WITHOUT,
          server_max_window_bits: 9,
          client_max_window_bits: 10,
        },
      ],
    ],
    ['two sets of parameters', [{ server_max_window_bits: 10 }, { client_max_window_bits: 12 }]],
  ])('%s', async (_, compression) => {
    const pair = await open_to_our_server(program, { compression, binary: true }, DIRECT)
    await exchange_compressed(pair, () => program.ping())
    await pair.wire.until(pair.our_end, PONG, 16)
    pair.theirs.send_fragments('one ', '二 '.repeat(1_000), 'three')
    expect(await pair.ours.messages.next()).toBe(`one ${'二 '.repeat(1_000)}three`)
    await pair.end()
  })
})
