import { BINARY, FIN, frame_bytes, hex, PING, TEXT } from '@bt/test-support/frames'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type DecoderSettings, FrameDecoder, max_compressed_bytes } from '../../src/frames/decoder.js'
import { has_failed, without_rules } from './decoder_event.js'
import { type FrameStream, frame_stream } from './frame_stream.js'
import { type Differences, read_plainly } from './plain_decoder.js'
import { FAULTS, type Planted, plant } from './planted_fault.js'
import { read_with } from './recording_decoder.js'
import { read_with_ws } from './ws_receiver.js'

/** Our decoder is as strict as RFC 6455 allows, and reports errors as early as possible. */
const OURS: Differences = {
  utf8: 'as it arrives',
  fragments: 'at its header',
  compressed_bytes: max_compressed_bytes,
  allows_long_lengths: false,
  allows_negative_lengths: false,
  checks_length_before_key: false,
}

/** The differences of `ws`; the tests of "intended differences" give the reasons. */
const WS: Differences = {
  utf8: 'once complete',
  fragments: 'behind its payload',
  compressed_bytes: max_payload => max_payload,
  allows_long_lengths: true,
  allows_negative_lengths: true,
  checks_length_before_key: true,
}

/** The time to compare streams, which `pnpm fuzz` sets. */
const FUZZ_SECONDS = process.env.FUZZ_SECONDS
const IS_LONG = FUZZ_SECONDS !== undefined
const LONGEST_MS = Number(FUZZ_SECONDS ?? 15) * 1_000
const STREAMS = IS_LONG ? Number.MAX_SAFE_INTEGER : 3_000
/** A fault has to be caught within this many streams. */
const MAX_STREAMS = 20_000
/** The same streams in each run of the tests, and others in each `pnpm fuzz`. */
const seed = Number(process.env.TEST_SEED ?? (IS_LONG ? Date.now() % 0x8000_0000 : 1))

const are_equal = (some: readonly string[], others: readonly string[]): boolean =>
  some.join('\n') === others.join('\n')

const shown = ({ settings, bytes, segments, pauses }: FrameStream): string =>
  JSON.stringify({
    settings,
    bytes: bytes.toString('hex'),
    segments: segments.map(one => one.length),
    pauses,
  })

test(
  'the decoder reports the same events as a plain decoder and ws, for any stream, segments and pauses',
  async () => {
    const count = { streams: 0, invalid: 0, different: 0 }
    const found = await fc.check(
      fc.asyncProperty(frame_stream, async stream => {
        const ours = read_with(FrameDecoder, stream.segments, stream.settings, stream.pauses)
        const theirs = await read_with_ws(stream.segments, stream.settings)
        count.streams += 1
        if (has_failed(ours)) count.invalid += 1
        if (!are_equal(without_rules(ours), theirs)) count.different += 1
        const meant = read_plainly(stream.bytes, stream.settings, OURS)
        const meant_by_ws = without_rules(read_plainly(stream.bytes, stream.settings, WS))
        if (!are_equal(ours, meant) || !are_equal(theirs, meant_by_ws))
          throw new Error(JSON.stringify({ ours, meant, theirs, meant_by_ws }, undefined, 2))
      }),
      {
        seed,
        numRuns: STREAMS,
        interruptAfterTimeLimit: LONGEST_MS,
        markInterruptAsFailure: false,
      },
    )
    const { streams, invalid, different } = count
    console.log(
      `Decoders: ${streams} streams, ${invalid} of them invalid, ${different} that ws reads differently on purpose; seed ${seed}`,
    )
    if (found.failed)
      expect.fail(
        `TEST_SEED=${seed} finds it again, path ${found.counterexamplePath}: ${found.counterexample?.map(shown).join()}\n${found.errorInstance}`,
      )
    expect(streams).toBeGreaterThan(0)
    expect(invalid).toBeGreaterThanOrEqual(streams / 2)
  },
  LONGEST_MS + 60_000,
)

describe('intended differences from ws', () => {
  const limits: DecoderSettings = {
    from: 'server',
    is_compressed: true,
    max_payload: 100,
    max_fragments: 2,
  }
  const key = 0x01020304

  test.each<[name: string, settings: Partial<DecoderSettings>, bytes: Buffer, ours: string[], ws: string[]]>([
    [
      // RFC 6455 §8.1: the connection fails when the error is found, so the rest need not be sent or stored.
      'text that is not UTF-8 is refused in its segment, not once its message is complete',
      {},
      Buffer.concat([frame_bytes({ first: TEXT, payload: hex('c0') }), frame_bytes({ first: FIN | PING })]),
      ['failed with 1007: invalid_utf8'],
      ['ping: '],
    ],
    [
      // The header is enough to count it.
      'a fragment beyond max_fragments is refused at its header, not after its payload',
      { max_fragments: 1 },
      Buffer.concat([frame_bytes({ first: BINARY }), frame_bytes({ first: 0, length: 5n })]),
      ['failed with 1008: too_many_fragments'],
      [],
    ],
    [
      // Both limits are exceeded, and fragments are counted first.
      'a fragment that exceeds both limits is refused for max_fragments',
      { max_fragments: 1 },
      Buffer.concat([frame_bytes({ first: BINARY }), frame_bytes({ first: 0, length: 101n })]),
      ['failed with 1008: too_many_fragments'],
      ['failed with 1009'],
    ],
    [
      // `max_payload` counts decompressed bytes, and compression makes random bytes a little longer.
      'compressed data may be a little longer than max_payload',
      {},
      frame_bytes({ first: 0xc2, payload: Buffer.alloc(101) }),
      [`compressed binary: ${'00'.repeat(101)}`],
      ['failed with 1009'],
    ],
    [
      // RFC 6455 §5.2: "the minimal number of bytes MUST be used".
      'a length in two bytes that would fit into the second byte breaks the protocol',
      {},
      frame_bytes({ first: FIN | TEXT, payload: hex('61'), length_bytes: 2 }),
      ['failed with 1002: long_length'],
      ['text of 1: "a"'],
    ],
    [
      'a length in eight bytes that would fit into two breaks the protocol',
      {},
      frame_bytes({ first: FIN | TEXT, payload: hex('61'), length_bytes: 8 }),
      ['failed with 1002: long_length'],
      ['text of 1: "a"'],
    ],
    [
      // RFC 6455 §5.2: "the most significant bit MUST be 0".
      'a length of 2^63 breaks the protocol, rather than being too large',
      {},
      frame_bytes({ first: FIN | BINARY, length: 2n ** 63n }),
      ['failed with 1002: negative_length'],
      ['failed with 1009'],
    ],
    [
      // A header is only checked once it is complete, so a peer that stops within one gets no response.
      'a length is checked only once the masking key has arrived, too',
      { from: 'client' },
      frame_bytes({ first: FIN | BINARY, length: 101n, key }).subarray(0, -1),
      [],
      ['failed with 1009'],
    ],
  ])('%s', async (_, changed, bytes, ours, theirs) => {
    const settings = { ...limits, ...changed }
    expect(read_with(FrameDecoder, [bytes], settings)).toEqual(ours)
    expect(await read_with_ws([bytes], settings)).toEqual(theirs)
    expect(read_plainly(bytes, settings, OURS)).toEqual(ours)
    expect(without_rules(read_plainly(bytes, settings, WS))).toEqual(theirs)
  })
})

describe('a planted fault is detected', () => {
  const finds_nothing = ({ Decoder, memory }: Planted): fc.RunDetails<[FrameStream]> =>
    fc.check(
      fc.property(frame_stream, ({ bytes, segments, settings, pauses }) => {
        const events = read_with(Decoder, segments, settings, pauses, memory)
        return are_equal(events, read_plainly(bytes, settings, OURS))
      }),
      { seed, numRuns: MAX_STREAMS, endOnFailure: true },
    ) as fc.RunDetails<[FrameStream]>

  test.each(FAULTS)('$name', async fault => {
    const found = finds_nothing(await plant(fault))
    expect(found.failed, `seed ${seed}`).toBe(true)
    if (IS_LONG) console.log(`${fault.name}: stream ${found.numRuns}`)
  })
})
