import { deflateRawSync } from 'node:zlib'
import { OPCODE } from '@bt/test-support/frames'
import { describe, expect, it } from 'vitest'
import { close_code, RawPeer } from '../src/raw_peer.ts'
import { start_client, unix_bind } from './endpoints.ts'
import { measure, run_server } from './test_process.ts'

const MIB = 1_048_576
const LIMIT = 32 * MIB
const CLIENTS = 400

const deflated = deflateRawSync(Buffer.alloc(1_000_000, 'a'))

/** Each makes a server hold far more bytes than it was sent, or as many as it allows. */
const ATTACKS: readonly (readonly [string, object, (peer: RawPeer) => readonly Buffer[]])[] = [
  ['messages of one byte', { binary: true }, peer => Array(10_000).fill(peer.frame(OPCODE.BINARY, 'a'))],
  ['texts of one character', {}, peer => Array(10_000).fill(peer.frame(OPCODE.TEXT, 'a'))],
  [
    'characters of 2 bytes in memory and 3 in UTF-8',
    {},
    peer => Array(4).fill(peer.frame(OPCODE.TEXT, '中'.repeat(20_000))),
  ],
  [
    'messages that decompress to a thousand times their size',
    { compression: true },
    peer => Array(15).fill(peer.frame(OPCODE.TEXT, deflated, { is_compressed: true })),
  ],
  [
    'a message that never ends',
    {},
    peer => [peer.frame(OPCODE.TEXT, Buffer.alloc(300_000, 'a'), { length: MIB })],
  ],
]

describe(`a server whose callbacks never settle, with ${CLIENTS} clients that send`, () => {
  it.each(ATTACKS)(
    '%s, bounds its memory by max_total_inbox, and serves others',
    async (_, options, attack) => {
      const bind = unix_bind()
      const { program } = await run_server({ bind, max_total_inbox: LIMIT, holds_messages: true, ...options })
      const extensions = 'compression' in options ? 'permessage-deflate' : ''
      const peers: RawPeer[] = []
      while (peers.length < CLIENTS)
        peers.push(
          ...(await Promise.all(Array.from({ length: 50 }, () => RawPeer.open(bind, '/ws', extensions)))),
        )
      const before = await measure(program)
      const bytes = Buffer.concat(attack(peers[0] as RawPeer))
      for (const peer of peers) peer.write(bytes)
      const { ws, messages } = start_client(`ws+${bind}:/ws`)
      let after = before
      for (let probes = 1; probes <= 20 || after.stats.inbox_bytes < LIMIT / 2; probes += 1) {
        ws.send('are you there?')
        await messages.count(probes)
        after = await measure(program)
        expect(after.stats.inbox_bytes).toBeLessThanOrEqual(LIMIT + MIB)
      }
      // The messages in the inbox, memory that the runtime keeps for later, and leeway.
      expect(after.rss_bytes - before.rss_bytes).toBeLessThan(4 * LIMIT)
      const shed = peers.filter(({ frames }) => frames.entries.some(({ opcode }) => opcode === OPCODE.CLOSE))
      expect(shed.length).toBeLessThanOrEqual(after.stats.inbox_shed)
      for (const { frames } of shed)
        for (const got of frames.entries) if (got.opcode === OPCODE.CLOSE) expect(close_code(got)).toBe(1013)
      for (const { socket } of peers) socket.destroy()
    },
  )
})
