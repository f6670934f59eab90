import { hex, OPCODE } from '@bt/test-support/frames'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { ClientSide } from './client_side.ts'
import { encode, type Frame, type Sent } from './frame.ts'
import { fuzz } from './fuzz.ts'
import { request_head, response_head } from './handshake.ts'
import { arbitrary_mutations, mutate } from './mutation.ts'
import type { RawPeer, Segmentation } from './raw_peer.ts'
import { read_stream } from './reference.ts'
import { ServerSide } from './server_side.ts'
import type { UserEvents } from './user_events.ts'

const MAX_PAYLOAD = 300
const OPTIONS = { binary: true, max_payload: MAX_PAYLOAD }

const utf8_text = fc.string({ unit: 'binary', maxLength: 40 }).map(text => new TextEncoder().encode(text))
const payload = fc.oneof(
  { weight: 4, arbitrary: utf8_text },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 140 }) },
  { weight: 1, arbitrary: fc.constantFrom(...['c3', 'ed a0 80', 'ff', '80'].map(hex)) },
  { weight: 1, arbitrary: fc.nat(MAX_PAYLOAD + 5).map(size => new Uint8Array(size).fill(0x61)) },
)

/** A message in up to four fragments, with pings between some of them. */
const message: fc.Arbitrary<Frame[]> = fc
  .tuple(
    fc.constantFrom(OPCODE.TEXT, OPCODE.BINARY),
    fc.array(fc.tuple(utf8_text, fc.boolean()), { minLength: 1, maxLength: 4 }),
  )
  .map(([opcode, parts]) =>
    parts.flatMap(([part, is_followed], index) => [
      {
        opcode: index === 0 ? opcode : OPCODE.CONTINUATION,
        fin: index === parts.length - 1,
        payload: part,
      },
      ...(is_followed ? [{ opcode: OPCODE.PING, payload: part.subarray(0, 125) }] : []),
    ]),
  )

const closing: fc.Arbitrary<Frame[]> = fc
  .tuple(
    fc.oneof(fc.constantFrom(1000, 1001, 1004, 1005, 1006, 1014, 1015, 2999, 3000, 4999), fc.nat(0xffff)),
    utf8_text,
  )
  .map(([code, reason]) => [
    { opcode: OPCODE.CLOSE, payload: Uint8Array.of(code >> 8, code & 0xff, ...reason.subarray(0, 100)) },
  ])

/** An arbitrary frame, which usually breaks a rule. */
const arbitrary_frame: fc.Arbitrary<Frame[]> = fc
  .record(
    {
      opcode: fc.nat(15),
      fin: fc.boolean(),
      rsv: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(7) }),
      payload,
      length_bits: fc.constantFrom<(16 | 64)[]>(16, 64),
      mask: fc.constantFrom<('right' | 'zero_key' | 'wrong')[]>(
        'right',
        'right',
        'right',
        'zero_key',
        'wrong',
      ),
    },
    { requiredKeys: ['opcode', 'payload'] },
  )
  .map(frame => [frame])

const stream: fc.Arbitrary<Sent[]> = fc
  .array(
    fc.oneof(
      { weight: 12, arbitrary: message },
      { weight: 2, arbitrary: arbitrary_frame },
      { weight: 1, arbitrary: closing },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }).map((raw): Sent[] => [raw]) },
    ),
    { maxLength: 10 },
  )
  .map(parts => parts.flat())

const segmentation: fc.Arbitrary<Segmentation> = fc
  .array(fc.nat(2_000), { maxLength: 12 })
  .map(positions => ({ cuts: positions.sort((a, b) => a - b) }))

const damage = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: arbitrary_mutations(['\x81\x05']) },
)

/** Sends a stream, ends TCP, and compares what the user observes with the reference. */
async function check(
  peer: RawPeer,
  { events, closed }: { readonly events: UserEvents; readonly closed: Promise<unknown> },
  sent: Buffer,
  is_masked: boolean,
  segments: Segmentation,
): Promise<void> {
  const expected = read_stream(sent, is_masked, MAX_PAYLOAD)
  await peer.send(sent, segments)
  peer.end()
  await Promise.all([closed, peer.ended])
  const comparable = (data: string | Uint8Array): string | number[] =>
    typeof data === 'string' ? data : [...data]
  expect(events.messages.map(comparable)).toEqual(expected.messages.map(comparable))
  expect(events.infos).toHaveLength(1)
  const causes = { failed: 'protocol', closed: 'peer', lost: 'network' }
  expect(events.infos[0]).toMatchObject({ code: expected.ends.code, cause: causes[expected.ends.kind] })
  if (expected.ends.kind === 'failed') expect(events.errors).toHaveLength(1)
}

const server_side = new ServerSide()
const client_side = new ClientSide()

afterAll(() => Promise.all([server_side.close(), client_side.close()]))

test('a server reads any stream of frames like the reference, however it is segmented', async () => {
  await fuzz(
    'frames to a server',
    fc.asyncProperty(stream, damage, segmentation, async (frames, mutations, segments) => {
      const { name, connection } = server_side.expect_client()
      const peer = await server_side.peer(OPTIONS)
      await peer.send(Buffer.from(request_head({ start: `GET /ws?name=${name} HTTP/1.1` })), 'whole')
      await peer.head()
      await check(peer, connection, mutate(encode(frames, 'client'), mutations), true, segments)
    }),
  )
})

test('a client reads any stream of frames like the reference, however it is segmented', async () => {
  await fuzz(
    'frames to a client',
    fc.asyncProperty(stream, damage, segmentation, async (frames, mutations, segments) => {
      const { ws, events, peer, accept } = await client_side.connect(OPTIONS)
      await peer.send(Buffer.from(response_head(accept)), 'whole')
      await ws.opened
      const sent = mutate(encode(frames, 'server'), mutations)
      await check(peer, { events, closed: ws.closed }, sent, false, segments)
    }),
  )
})
