import { once } from 'node:events'
import { close_payload, OPCODE } from '@bt/test-support/frames'
import { describe, expect, it } from 'vitest'
import {
  gate,
  open_connection,
  opening_connection,
  paused,
  SIDES,
  type TestConnection,
  type TestConnectionOptions,
  watch_received,
} from './test_connection.ts'

const BIG_MESSAGE = 'x'.repeat(8 * 1_048_576)
const KILOBYTE = 'k'.repeat(1_024)

const ENDS = [
  ['a reset', 'reset'],
  ['a half-close', 'half_close'],
] as const

/** Brings an open connection to the point at which it breaks. */
interface Step {
  readonly name: string
  readonly options?: TestConnectionOptions
  reach(connection: TestConnection): Promise<void> | void
  readonly cause?: 'network' | 'local'
}

const STEPS: readonly Step[] = [
  { name: 'right after the 101', reach: () => {} },
  {
    name: 'within a frame header of two bytes',
    reach: ({ peer }) => peer.write(peer.frame(OPCODE.TEXT, 'hello').subarray(0, 1)),
  },
  {
    name: 'within the length of a frame',
    reach: ({ peer }) => peer.write(peer.frame(OPCODE.TEXT, KILOBYTE.repeat(70)).subarray(0, 5)),
  },
  {
    name: 'within a payload',
    reach: ({ peer }) => peer.write(peer.frame(OPCODE.TEXT, KILOBYTE).subarray(0, 500)),
  },
  { name: 'between two fragments', reach: ({ peer }) => peer.send(OPCODE.TEXT, 'first', { fin: false }) },
  {
    name: 'after its own Close',
    cause: 'local',
    reach: async ({ peer, handle }) => {
      peer.is_responsive = false
      handle.close()
      await peer.frames.first(({ opcode }) => opcode === OPCODE.CLOSE)
    },
  },
  {
    name: "within the peer's Close",
    reach: ({ peer }) => peer.write(peer.frame(OPCODE.CLOSE, close_payload(1000, 'goodbye')).subarray(0, 6)),
  },
  {
    name: 'while a big message is being written',
    options: { max_queue: 16 * 1_048_576 },
    reach: async ({ peer, handle }) => {
      const arrived = once(peer.socket, 'data')
      expect(handle.send(BIG_MESSAGE)).toBe(true)
      await arrived
      peer.stop_reading()
    },
  },
]

describe.each(SIDES)('a %s survives', side => {
  describe.each(ENDS)('%s of the peer', (_name, end) => {
    it.each(['right after connecting', 'within the handshake'])('%s', async step => {
      const { peer, handshake, infos, errors, expect_others_served } = await opening_connection(side)
      if (step !== 'right after connecting') peer.write(handshake.slice(0, 60))
      peer[end]()
      await peer.closed
      await expect_others_served()
      if (side === 'server') {
        expect(errors.entries).toEqual([])
      } else {
        expect(await infos.first()).toMatchObject({ cause: 'refused', code: 1006, unsent: 0 })
        expect(errors.entries.map(({ code }) => code)).toEqual(['handshake_failed'])
      }
    })

    it.each(STEPS)('$name', async ({ options, reach, cause = 'network' }) => {
      const connection = await open_connection(side, options)
      await reach(connection)
      connection.peer[end]()
      expect(await connection.infos.first()).toMatchObject({ cause, code: 1006, clean: false })
      connection.peer.resume_reading()
      await connection.peer.closed
      await connection.expect_others_served()
      expect(connection.infos.entries).toHaveLength(1)
      expect(connection.messages.entries.filter(data => data !== 'are you there?')).toEqual([])
      const is_sending = options?.max_queue !== undefined
      expect(connection.infos.entries[0]?.unsent).toBe(is_sending ? 1 : 0)
    })

    it('while reading is paused, and delivers what has arrived first', async () => {
      const { passed, open } = gate()
      const connection = await open_connection(side, { on_message: () => passed })
      const received = watch_received(connection.handle)
      for (let index = 0; index < 1_000; index += 1) connection.peer.text(`${index} ${KILOBYTE}`)
      await paused(received)
      const before = received.entries.length
      connection.peer[end]()
      if (end === 'reset') await connection.peer.closed
      open()
      expect(await connection.infos.first()).toMatchObject({ cause: 'network', code: 1006, unsent: 0 })
      const numbers = connection.messages.entries
        .map(data => Number.parseInt(data, 10))
        .filter(number => number >= 0)
      expect(numbers).toEqual(Array.from(numbers.keys()))
      // A reset discards data that is still in the kernel.
      if (end === 'half_close') expect(numbers).toHaveLength(1_000)
      else expect(numbers.length).toBeGreaterThanOrEqual(before)
      await connection.expect_others_served()
      expect(connection.infos.entries).toHaveLength(1)
    })
  })
})
