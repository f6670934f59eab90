import { describe, expect, it } from 'vitest'
import { make_frame, OPCODE } from '../src/wire/frame.ts'
import { PingFilter } from '../src/wire/ping_filter.ts'

const text = (bytes: number): Buffer => make_frame(OPCODE.TEXT, Buffer.alloc(bytes, 0x89), 'server')
const ping = (payload: string): Buffer => make_frame(OPCODE.PING, Buffer.from(payload), 'server')

/** Messages whose payloads look like Pings, with lengths in one, two and eight bytes. */
const MESSAGES = [text(2), text(0), text(300), text(70_000), text(1)]
const [A, B, C, D, E] = MESSAGES as [Buffer, Buffer, Buffer, Buffer, Buffer]
const STREAM = Buffer.concat([ping(''), A, ping('a'), ping(''), B, C, ping('a longer one'), D, E, ping('')])
const PINGS = ['', 'a', '', 'a longer one', '']

/** Filters the stream in reads that end at `ends`, and returns whether the messages remain, and the Pings. */
function filtered(ends: readonly number[]): { are_messages: boolean; pings: string[] } {
  const pings: string[] = []
  const filter = new PingFilter(payload => pings.push(payload.toString()))
  const rest = ends.map((end, index) =>
    Buffer.from(filter.filter(STREAM.subarray(ends[index - 1] ?? 0, end))),
  )
  return { are_messages: Buffer.concat(rest).equals(Buffer.concat(MESSAGES)), pings }
}

describe('PingFilter', () => {
  it('removes the Pings of a single read', () => {
    expect(filtered([STREAM.length])).toEqual({ are_messages: true, pings: PINGS })
  })

  it('removes the Pings wherever a read ends', () => {
    const starts_and_ends = Array.from({ length: 400 }, (_, index) => [index, STREAM.length - index])
    for (const end of starts_and_ends.flat())
      expect(filtered([end, STREAM.length]), `cut at ${end}`).toEqual({ are_messages: true, pings: PINGS })
  })

  it('removes the Pings byte by byte', () => {
    const ends = Array.from(STREAM, (_, index) => index + 1)
    expect(filtered(ends)).toEqual({ are_messages: true, pings: PINGS })
  })

  it('does not hold back or copy messages', () => {
    const filter = new PingFilter(() => {})
    const half = C.subarray(0, 100)
    expect(filter.filter(half)).toBe(half)
    expect(filter.filter(C.subarray(100)).length).toBe(C.length - 100)
  })
})
