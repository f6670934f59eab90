import { deflateRawSync } from 'node:zlib'
import { OPCODE } from '@bt/test-support/frames'
import { describe, expect, it } from 'vitest'
import { close_code, Wire } from '../src/wire.ts'
import { measure, run_server } from './processes.ts'
import { start_client, unix_bind } from './subjects.ts'

const MIB = 1_048_576
const LIMIT = 32 * MIB
const CLIENTS = 400

const packed = deflateRawSync(Buffer.alloc(1_000_000, 'a'))

/** Each has a server hold far more than it was sent, or the most that it takes. */
const ATTACKS: readonly (readonly [string, object, (wire: Wire) => readonly Buffer[]])[] = [
  ['messages of one byte', { binary: true }, wire => Array(10_000).fill(wire.frame(OPCODE.BINARY, 'a'))],
  ['texts of one character', {}, wire => Array(10_000).fill(wire.frame(OPCODE.TEXT, 'a'))],
  [
    'text of 2 bytes each and 3 on the wire',
    {},
    wire => Array(4).fill(wire.frame(OPCODE.TEXT, '中'.repeat(20_000))),
  ],
  [
    'messages that unpack to a thousand times as much',
    { compression: true },
    wire => Array(15).fill(wire.frame(OPCODE.TEXT, packed, { is_packed: true })),
  ],
  [
    'a message that never ends',
    {},
    wire => [wire.frame(OPCODE.TEXT, Buffer.alloc(300_000, 'a'), { length: MIB })],
  ],
]

describe(`a server of ours, whose callbacks for messages are never done, survives ${CLIENTS} clients that send`, () => {
  it.each(ATTACKS)(
    '%s: max_total_inbox bounds its memory, and others are served',
    async (_, options, attack) => {
      const bind = unix_bind()
      const { program } = await run_server({ bind, max_total_inbox: LIMIT, holds_messages: true, ...options })
      const extensions = 'compression' in options ? 'permessage-deflate' : ''
      const wires: Wire[] = []
      while (wires.length < CLIENTS)
        wires.push(
          ...(await Promise.all(Array.from({ length: 50 }, () => Wire.open(bind, '/ws', extensions)))),
        )
      const before = await measure(program)
      const bytes = Buffer.concat(attack(wires[0] as Wire))
      for (const wire of wires) wire.write(bytes)
      const { ws, messages } = start_client(`ws+${bind}:/ws`)
      let after = before
      for (let asked = 1; asked <= 20 || after.stats.inbox_bytes < LIMIT / 2; asked += 1) {
        ws.send('is anybody there?')
        await messages.count(asked)
        after = await measure(program)
        expect(after.stats.inbox_bytes).toBeLessThanOrEqual(LIMIT + MIB)
      }
      // What is held, what the runtime keeps for what comes next, and leeway.
      expect(after.rss_bytes - before.rss_bytes).toBeLessThan(4 * LIMIT)
      const shed = wires.filter(({ frames }) => frames.entries.some(({ opcode }) => opcode === OPCODE.CLOSE))
      expect(shed.length).toBeLessThanOrEqual(after.stats.inbox_shed)
      for (const { frames } of shed)
        for (const got of frames.entries) if (got.opcode === OPCODE.CLOSE) expect(close_code(got)).toBe(1013)
      for (const { socket } of wires) socket.destroy()
    },
  )
})
