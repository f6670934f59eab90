import { describe, expect, it } from 'vitest'
import { make_frame, OPCODE } from '../src/wire/frame.ts'
import { PingSieve } from '../src/wire/ping_sieve.ts'

const text = (bytes: number): Buffer => make_frame(OPCODE.TEXT, Buffer.alloc(bytes, 0x89), 'server')
const ping = (payload: string): Buffer => make_frame(OPCODE.PING, Buffer.from(payload), 'server')

/** Messages whose payloads look like Pings, with lengths in one, two and eight bytes. */
const MESSAGES = [text(2), text(0), text(300), text(70_000), text(1)]
const [A, B, C, D, E] = MESSAGES as [Buffer, Buffer, Buffer, Buffer, Buffer]
const SAID = Buffer.concat([ping(''), A, ping('a'), ping(''), B, C, ping('a longer one'), D, E, ping('')])
const PINGS = ['', 'a', '', 'a longer one', '']

/** What comes through a sieve when all that is said is read in pieces that end there: whether it is the messages, and the Pings. */
function sifted(ends: readonly number[]): { are_messages: boolean; pings: string[] } {
  const pings: string[] = []
  const sieve = new PingSieve(payload => pings.push(payload.toString()))
  const rest = ends.map((end, index) => Buffer.from(sieve.sift(SAID.subarray(ends[index - 1] ?? 0, end))))
  return { are_messages: Buffer.concat(rest).equals(Buffer.concat(MESSAGES)), pings }
}

describe('a sieve for Pings', () => {
  it('takes them out of what comes in one read', () => {
    expect(sifted([SAID.length])).toEqual({ are_messages: true, pings: PINGS })
  })

  it('takes them out wherever a read ends', () => {
    const starts_and_ends = Array.from({ length: 400 }, (_, index) => [index, SAID.length - index])
    for (const end of starts_and_ends.flat())
      expect(sifted([end, SAID.length]), `cut at ${end}`).toEqual({ are_messages: true, pings: PINGS })
  })

  it('takes them out byte by byte', () => {
    const ends = Array.from(SAID, (_, index) => index + 1)
    expect(sifted(ends)).toEqual({ are_messages: true, pings: PINGS })
  })

  it('keeps back no message, and copies none', () => {
    const sieve = new PingSieve(() => {})
    const half = C.subarray(0, 100)
    expect(sieve.sift(half)).toBe(half)
    expect(sieve.sift(C.subarray(100)).length).toBe(C.length - 100)
  })
})
