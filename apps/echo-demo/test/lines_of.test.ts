import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { lines_of } from '../src/client/lines_of.ts'

it.each([
  { pieces: [], lines: [] },
  { pieces: ['a\nb\n'], lines: ['a', 'b'] },
  { pieces: ['a\nb'], lines: ['a', 'b'] },
  { pieces: ['a', 'b\n', '\nc'], lines: ['ab', '', 'c'] },
  { pieces: ['a\r', '\nb\rc\r\n'], lines: ['a', 'b\rc'] },
  { pieces: ['a\u2028b\n'], lines: ['a\u2028b'] },
])('splits $pieces into $lines', async ({ pieces, lines }) => {
  const received: string[] = []
  for await (const line of lines_of(Readable.from(pieces))) received.push(line)
  expect(received).toEqual(lines)
})
