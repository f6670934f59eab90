import { OPCODE } from '@bt/test-support/frames'
import { pong, text, utf8 } from '../frame.ts'
import { type FrameCase, PROTOCOL_ERROR } from '../frame_case.ts'

const RESERVED_OPCODES = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]

const opcodes: FrameCase[] = RESERVED_OPCODES.flatMap(opcode => [
  {
    name: `refuses the reserved opcode ${opcode}`,
    clause: '§5.2',
    sends: [{ opcode, payload: utf8('a') }, text('after')],
    ends: PROTOCOL_ERROR,
  },
  {
    name: `refuses the reserved opcode ${opcode} without a payload`,
    clause: '§5.2',
    sends: [{ opcode }],
    ends: PROTOCOL_ERROR,
  },
  {
    name: `refuses the reserved opcode ${opcode} without FIN`,
    clause: '§5.2',
    sends: [{ opcode, fin: false, payload: utf8('a') }],
    ends: PROTOCOL_ERROR,
  },
  {
    name: `refuses the reserved opcode ${opcode} within a fragmented message, and drops that message`,
    clause: '§5.2, §5.4',
    sends: [text('first'), text('a', { fin: false }), { opcode, payload: utf8('b') }],
    messages: ['first'],
    ends: PROTOCOL_ERROR,
  },
])

const bits: FrameCase[] = Object.entries(OPCODE).flatMap(([name, opcode]) =>
  [1, 2, 3, 4, 5, 6, 7].map(rsv => ({
    name: `refuses a ${name} frame with the reserved bits ${rsv.toString(2).padStart(3, '0')}, without an extension`,
    clause: '§5.2',
    options: { binary: true },
    sends: [
      ...(opcode === OPCODE.CONTINUATION ? [text('a', { fin: false })] : []),
      { opcode, rsv, payload: opcode === OPCODE.CLOSE ? Uint8Array.of(3, 232) : utf8('a') },
    ],
    ends: PROTOCOL_ERROR,
  })),
)

export const reserved: readonly FrameCase[] = [
  ...opcodes,
  ...bits,
  {
    name: 'answers and delivers the frames before a reserved opcode',
    clause: '§5.2',
    sends: [text('before'), { opcode: OPCODE.PING, payload: utf8('p') }, { opcode: 3 }, text('after')],
    receives: [pong('p')],
    messages: ['before'],
    ends: PROTOCOL_ERROR,
  },
]
