import { PONG } from '@bt/test-support/frames'
import { describe_with } from '@bt/test-support/installed'
import { afterAll, expect, it } from 'vitest'
import { describe_exchanges } from './describe_exchanges.ts'
import { exchange_compressed } from './exchanges.ts'
import { open_to_our_server } from './pair.ts'
import { type DeflateOffer, PeerProgram } from './peer_program.ts'
import { python_websockets } from './peers.ts'
import { DIRECT } from './server_access.ts'

const { installed, args } = python_websockets()

describe_exchanges(python_websockets())

const SERVER_NO_CONTEXT: DeflateOffer = { server_no_context_takeover: true }
const CLIENT_NO_CONTEXT: DeflateOffer = { client_no_context_takeover: true }
/** Omits `client_max_window_bits`, which websockets offers by default. */
const NO_BITS: DeflateOffer = { client_max_window_bits: null }
const BITS = [8, 9, 10, 11, 12, 13, 14, 15]

describe_with(installed, 'our server exchanges compressed messages with a client that offers', () => {
  const program = new PeerProgram(installed.command, args, DIRECT.peer_env())
  afterAll(() => program.kill())

  it.each<[string, readonly DeflateOffer[]]>([
    ['no parameter', [NO_BITS]],
    ['server_no_context_takeover', [{ ...NO_BITS, ...SERVER_NO_CONTEXT }]],
    ['client_no_context_takeover', [{ ...NO_BITS, ...CLIENT_NO_CONTEXT }]],
    ['both', [{ ...NO_BITS, ...SERVER_NO_CONTEXT, ...CLIENT_NO_CONTEXT }]],
    ['client_max_window_bits', [{ client_max_window_bits: true }]],
    ...BITS.map((bits): [string, DeflateOffer[]] => [
      `server_max_window_bits=${bits}`,
      [{ ...NO_BITS, server_max_window_bits: bits }],
    ]),
    // zlib, which Python uses, cannot compress with a window of 8 bits.
    ...BITS.slice(1).map((bits): [string, DeflateOffer[]] => [
      `client_max_window_bits=${bits}`,
      [{ client_max_window_bits: bits }],
    ]),
    [
      'all parameters',
      [
        {
          ...SERVER_NO_CONTEXT,
          ...CLIENT_NO_CONTEXT,
          server_max_window_bits: 9,
          client_max_window_bits: 10,
        },
      ],
    ],
    ['two sets of parameters', [{ server_max_window_bits: 10 }, { client_max_window_bits: 12 }]],
  ])('%s', async (_, compression) => {
    const pair = await open_to_our_server(program, { compression, binary: true }, DIRECT)
    await exchange_compressed(pair, () => program.ping())
    await pair.relay.wait_for_frames(pair.our_endpoint, PONG, 16)
    pair.peer.send_fragments('one ', '二 '.repeat(1_000), 'three')
    expect(await pair.ours.messages.next()).toBe(`one ${'二 '.repeat(1_000)}three`)
    await pair.end()
  })
})
