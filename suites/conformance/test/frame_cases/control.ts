import { OPCODE } from '@bt/test-support/frames'
import { ping, pong, text } from '../frame.ts'
import { type FrameCase, LIVES_ON, PROTOCOL_ERROR } from '../frame_case.ts'

const CONTROL = [
  ['Close', OPCODE.CLOSE],
  ['ping', OPCODE.PING],
  ['pong', OPCODE.PONG],
] as const

/** A valid beginning of a Close, so that nothing but the size or FIN is wrong with it. */
const NORMAL = Uint8Array.of(3, 232)

function payload_of(opcode: number, size: number): Uint8Array {
  const payload = new Uint8Array(size).fill(0x61)
  if (opcode === OPCODE.CLOSE) payload.set(NORMAL)
  return payload
}

const against_the_rules: FrameCase[] = CONTROL.flatMap(([name, opcode]) => [
  ...[126, 127, 65_535, 65_536].map(size => ({
    name: `refuses a ${name} of ${size} bytes`,
    clause: '§5.5',
    sends: [{ opcode, payload: payload_of(opcode, size) }],
    ends: PROTOCOL_ERROR,
  })),
  ...([16, 64] as const).map(length_bits => ({
    name: `refuses a ${name} whose length of 2 is written in ${length_bits} bits`,
    clause: '§5.5: the length is written in seven bits',
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
  name: `answers a ping of ${size} bytes with the same`,
  clause: '§5.5.2, §5.5.3',
  sends: [ping('p'.repeat(size))],
  seen: [pong('p'.repeat(size))],
  ends: LIVES_ON,
}))

/** §5.5.3: only the latest of several pings has to be answered. We answer each, as long as no more than 64 answers wait. */
const bursts: FrameCase[] = [2, 10, 60, 61, 64].map(count => {
  const numbers = Array.from({ length: count }, (_, index) => String(index))
  return {
    name: `answers ${count} pings in a burst, each and in order`,
    clause: '§5.5.3, our choice',
    sends: numbers.map(number => ping(number)),
    seen: numbers.map(number => pong(number)),
    ends: LIVES_ON,
  }
})

export const control: readonly FrameCase[] = [
  ...against_the_rules,
  ...answered,
  ...bursts,
  {
    name: 'answers a ping that is not text with the same bytes',
    clause: '§5.5.3',
    sends: [ping(Uint8Array.of(0, 255, 0xc3, 0x28))],
    seen: [pong(Uint8Array.of(0, 255, 0xc3, 0x28))],
    ends: LIVES_ON,
  },
  {
    name: 'ignores an empty pong that answers nothing',
    clause: '§5.5.3',
    sends: [pong()],
    ends: LIVES_ON,
  },
  {
    name: 'ignores a pong of 125 bytes that answers nothing',
    clause: '§5.5.3',
    sends: [pong('p'.repeat(125))],
    ends: LIVES_ON,
  },
  {
    name: 'ignores a thousand pongs that answer nothing',
    clause: '§5.5.3',
    sends: Array.from({ length: 1_000 }, () => pong('p')),
    ends: LIVES_ON,
  },
  {
    name: 'answers pings between messages, and delivers those in order',
    clause: '§5.5.2',
    sends: [ping('1'), text('a'), ping('2'), text('b'), ping('3')],
    seen: [pong('1'), pong('2'), pong('3')],
    messages: ['a', 'b'],
    ends: LIVES_ON,
  },
]
