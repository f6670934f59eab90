import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { TypedLine } from '../src/client/typed_line.ts'
import { Screen } from './screen.ts'

const COLUMNS = 20

let keyboard: PassThrough
let screen: Screen
let typed_line: TypedLine
let heard: string[]
let ends: number

beforeEach(() => {
  // Node does not edit lines if TERM is dumb.
  vi.stubEnv('TERM', 'xterm')
  keyboard = new PassThrough()
  screen = new Screen(COLUMNS)
  heard = []
  ends = 0
  typed_line = new TypedLine(keyboard, screen, {
    on_line: line => heard.push(line),
    on_end: () => {
      ends += 1
    },
  })
  typed_line.show()
})

afterEach(() => {
  vi.unstubAllEnvs()
})

/** Presses keys one by one, as a person does. */
async function press(...keys: string[]): Promise<void> {
  for (const key of keys) {
    const taken = once(keyboard, 'data')
    keyboard.write(key)
    await taken
  }
}

it('prints above the line that is being typed', async () => {
  await press(...'hel')
  typed_line.print('< welcome\n')
  expect(screen.rows).toEqual(['< welcome', '> hel'])
  await press(...'lo')
  expect(screen.rows).toEqual(['< welcome', '> hello'])
  await press('\r')
  expect(heard).toEqual(['hello'])
  expect(screen.rows).toEqual(['< welcome', '> hello', '>'])
})

it('keeps a line of several rows and the position of its cursor', async () => {
  await press(...'twenty columns are not enough for this line')
  typed_line.print('< a message that is wider than that\n')
  typed_line.print('< b\n')
  const rows = ['< a message that is', 'wider than that', '< b']
  const typed = ['> twenty columns are', 'not enough for this', 'line']
  expect(screen.rows.map(row => row.trim())).toEqual([...rows, ...typed])
  await press('\x1b[H', 'X')
  typed_line.print('< c\n')
  expect(screen.rows.slice(-4).map(row => row.trim())).toEqual([
    '< c',
    '> Xtwenty columns ar',
    'e not enough for thi',
    's line',
  ])
})

it('recalls an earlier line with the arrow key', async () => {
  await press(...'first', '\r', ...'second', '\r', '\x1b[A', '\x1b[A', '\r')
  expect(heard).toEqual(['first', 'second', 'first'])
})

it('removes the line when it ends, and calls on_end once', async () => {
  await press(...'half')
  typed_line.end()
  typed_line.end()
  typed_line.show()
  typed_line.print('closed\n')
  expect(ends).toBe(1)
  expect(screen.rows).toEqual(['closed', ''])
})

it('ends at Ctrl-D', async () => {
  await press('\x04')
  expect(ends).toBe(1)
})
