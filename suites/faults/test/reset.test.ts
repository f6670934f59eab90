import { once } from 'node:events'
import { close_payload, OPCODE } from '@bt/test-support/frames'
import { describe, expect, it } from 'vitest'
import {
  gate,
  open_victim,
  opening_victim,
  paused,
  SIDES,
  type Victim,
  type VictimOptions,
  watch_received,
} from './victim.ts'

const BIG = 'x'.repeat(8 * 1_048_576)
const KILOBYTE = 'k'.repeat(1_024)

const ENDS = [
  ['a reset', 'reset'],
  ['a half-close', 'half_close'],
] as const

/** Brings an open connection to where it is to break. */
interface Step {
  readonly name: string
  readonly options?: VictimOptions
  reach(victim: Victim): Promise<void> | void
  readonly cause?: 'network' | 'local'
}

const STEPS: readonly Step[] = [
  { name: 'right after the 101', reach: () => {} },
  {
    name: 'within a frame header of two bytes',
    reach: ({ wire }) => wire.write(wire.frame(OPCODE.TEXT, 'hello').subarray(0, 1)),
  },
  {
    name: 'within the length of a frame',
    reach: ({ wire }) => wire.write(wire.frame(OPCODE.TEXT, KILOBYTE.repeat(70)).subarray(0, 5)),
  },
  {
    name: 'within a payload',
    reach: ({ wire }) => wire.write(wire.frame(OPCODE.TEXT, KILOBYTE).subarray(0, 500)),
  },
  { name: 'between two fragments', reach: ({ wire }) => wire.send(OPCODE.TEXT, 'first', { fin: false }) },
  {
    name: 'after our Close',
    cause: 'local',
    reach: async ({ wire, handle }) => {
      wire.is_polite = false
      handle.close()
      await wire.frames.first(({ opcode }) => opcode === OPCODE.CLOSE)
    },
  },
  {
    name: 'within their Close',
    reach: ({ wire }) => wire.write(wire.frame(OPCODE.CLOSE, close_payload(1000, 'goodbye')).subarray(0, 6)),
  },
  {
    name: 'while a big message is being written',
    options: { max_queue: 16 * 1_048_576 },
    reach: async ({ wire, handle }) => {
      const arrived = once(wire.socket, 'data')
      expect(handle.send(BIG)).toBe(true)
      await arrived
      wire.stop_reading()
    },
  },
]

describe.each(SIDES)('a %s of ours survives', side => {
  describe.each(ENDS)('%s of the peer', (_name, end) => {
    it.each(['right after connecting', 'in the middle of the handshake'])('%s', async when => {
      const { wire, handshake, infos, errors, others_are_served } = await opening_victim(side)
      if (when !== 'right after connecting') wire.write(handshake.slice(0, 60))
      wire[end]()
      await wire.closed
      await others_are_served()
      if (side === 'server') {
        expect(errors.entries).toEqual([])
      } else {
        expect(await infos.first()).toMatchObject({ cause: 'refused', code: 1006, unsent: 0 })
        expect(errors.entries.map(({ code }) => code)).toEqual(['handshake_failed'])
      }
    })

    it.each(STEPS)('$name', async ({ options, reach, cause = 'network' }) => {
      const victim = await open_victim(side, options)
      await reach(victim)
      victim.wire[end]()
      expect(await victim.infos.first()).toMatchObject({ cause, code: 1006, clean: false })
      victim.wire.resume_reading()
      await victim.wire.closed
      await victim.others_are_served()
      expect(victim.infos.entries).toHaveLength(1)
      expect(victim.messages.entries.filter(data => data !== 'is anybody there?')).toEqual([])
      const big_waits = options?.max_queue !== undefined
      expect(victim.infos.entries[0]?.unsent).toBe(big_waits ? 1 : 0)
    })

    it('during a paused read: what had arrived is delivered first', async () => {
      const { passed, open } = gate()
      const victim = await open_victim(side, { on_message: () => passed })
      const received = watch_received(victim.handle)
      for (let index = 0; index < 1_000; index += 1) victim.wire.text(`${index} ${KILOBYTE}`)
      await paused(received)
      const before = received.entries.length
      victim.wire[end]()
      if (end === 'reset') await victim.wire.closed
      open()
      expect(await victim.infos.first()).toMatchObject({ cause: 'network', code: 1006, unsent: 0 })
      const numbers = victim.messages.entries
        .map(data => Number.parseInt(data, 10))
        .filter(number => number >= 0)
      expect(numbers).toEqual(Array.from(numbers.keys()))
      // A reset discards what the kernel still held.
      if (end === 'half_close') expect(numbers).toHaveLength(1_000)
      else expect(numbers.length).toBeGreaterThanOrEqual(before)
      await victim.others_are_served()
      expect(victim.infos.entries).toHaveLength(1)
    })
  })
})
