import { OPCODE } from '@bt/test-support/frames'
import { ping, pong, text } from '../frame.ts'
import { type FrameCase, PROTOCOL_ERROR, STAYS_OPEN } from '../frame_case.ts'

const CONTROL = [
  ['Close', OPCODE.CLOSE],
  ['ping', OPCODE.PING],
  ['pong', OPCODE.PONG],
] as const

/** The code 1000, so that only the size or FIN of a Close is invalid. */
const NORMAL = Uint8Array.of(3, 232)

function payload_of(opcode: number, size: number): Uint8Array {
  const payload = new Uint8Array(size).fill(0x61)
  if (opcode === OPCODE.CLOSE) payload.set(NORMAL)
  return payload
}

const invalid: FrameCase[] = CONTROL.flatMap(([name, opcode]) => [
  ...[126, 127, 65_535, 65_536].map(size => ({
    name: `refuses a ${name} of ${size} bytes`,
    clause: '§5.5',
    sends: [{ opcode, payload: payload_of(opcode, size) }],
    ends: PROTOCOL_ERROR,
  })),
  ...([16, 64] as const).map(length_bits => ({
    name: `refuses a ${name} whose length of 2 is written in ${length_bits} bits`,
    clause: '§5.5: the length must be written in seven bits',
    sends: [{ opcode, payload: NORMAL, length_bits }],
    ends: PROTOCOL_ERROR,
  })),
  {
    name: `refuses a fragmented ${name}`,
    clause: '§5.5',
    sends: [{ opcode, fin: false, payload: NORMAL }],
    ends: PROTOCOL_ERROR,
  },
  {
    name: `refuses a fragmented ${name} within a fragmented text`,
    clause: '§5.4, §5.5',
    sends: [text('a', { fin: false }), { opcode, fin: false, payload: NORMAL }],
    ends: PROTOCOL_ERROR,
  },
])

const answered: FrameCase[] = [0, 1, 2, 124, 125].map(size => ({
  name: `answers a ping of ${size} bytes with the same payload`,
  clause: '§5.5.2, §5.5.3',
  sends: [ping('p'.repeat(size))],
  receives: [pong('p'.repeat(size))],
  ends: STAYS_OPEN,
}))

/** §5.5.3 requires an answer only to the latest of several pings; we answer all, up to 64 at a time. */
const bursts: FrameCase[] = [2, 10, 60, 61, 64].map(count => {
  const numbers = Array.from({ length: count }, (_, index) => String(index))
  return {
    name: `answers each of ${count} pings in a burst, in order`,
    clause: '§5.5.3, our choice',
    sends: numbers.map(number => ping(number)),
    receives: numbers.map(number => pong(number)),
    ends: STAYS_OPEN,
  }
})

export const control: readonly FrameCase[] = [
  ...invalid,
  ...answered,
  ...bursts,
  {
    name: 'answers a ping that is not text with the same bytes',
    clause: '§5.5.3',
    sends: [ping(Uint8Array.of(0, 255, 0xc3, 0x28))],
    receives: [pong(Uint8Array.of(0, 255, 0xc3, 0x28))],
    ends: STAYS_OPEN,
  },
  {
    name: 'ignores an unsolicited empty pong',
    clause: '§5.5.3',
    sends: [pong()],
    ends: STAYS_OPEN,
  },
  {
    name: 'ignores an unsolicited pong of 125 bytes',
    clause: '§5.5.3',
    sends: [pong('p'.repeat(125))],
    ends: STAYS_OPEN,
  },
  {
    name: 'ignores a thousand unsolicited pongs',
    clause: '§5.5.3',
    sends: Array.from({ length: 1_000 }, () => pong('p')),
    ends: STAYS_OPEN,
  },
  {
    name: 'answers pings between messages, and delivers the messages in order',
    clause: '§5.5.2',
    sends: [ping('1'), text('a'), ping('2'), text('b'), ping('3')],
    receives: [pong('1'), pong('2'), pong('3')],
    messages: ['a', 'b'],
    ends: STAYS_OPEN,
  },
]
