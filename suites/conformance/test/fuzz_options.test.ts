import { createServer, type Server } from 'node:net'
import * as net from '@bt/net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'
import { hostile_value, SECRET, wrapping } from './hostile_value.ts'

const BIND = '127.0.0.1:0'
/** What could lead to an address other than this one: nothing of the kind is tried. */
const LEADS_ELSEWHERE = /:\d|^unix:|^wss?\b/i

/** Ends every connection at once. */
let nobody: Server
let url: string

beforeAll(async () => {
  nobody = createServer(socket => socket.on('error', () => {}).destroy())
  await new Promise<void>(resolve => nobody.listen(0, '127.0.0.1', resolve))
  url = `ws://127.0.0.1:${(nobody.address() as { port: number }).port}/ws`
})

afterAll(() => new Promise(resolve => nobody.close(resolve)))

interface Handle {
  readonly opened: Promise<void>
  readonly closed: Promise<unknown>
  close(): unknown
}

/** The names of all options of a call, as it tells them to whoever gives an unknown one. */
function known_names(call: (options: never) => unknown): string[] {
  try {
    call({ type: 'ws', '§': 1 } as never)
  } catch (error) {
    const [, names] = /known are (.*)$/.exec((error as Error).message) ?? []
    if (names !== undefined) return names.split(', ')
  }
  throw new Error('the call did not name its options')
}

async function check(
  call: (options: never) => Handle,
  names: readonly string[],
  options: unknown,
): Promise<void> {
  let handle: Handle
  try {
    handle = call(options as never)
  } catch (error) {
    expect(error).toBeInstanceOf(net.NetError)
    const { code, message } = error as net.NetError
    expect(['invalid_option', 'unsupported']).toContain(code)
    expect(message).not.toContain(SECRET)
    expect(message).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]{1,5000}$/u)
    expect(
      names.some(name => message.includes(name)) ||
        /for its options|object of options|no option/.test(message),
    ).toBe(true)
    return
  }
  handle.opened.catch(() => {})
  handle.close()
  await handle.closed
}

const given = (names: readonly string[]): fc.Arbitrary<[string, () => unknown][]> =>
  fc.array(
    fc.tuple(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, fc.string()), hostile_value),
    {
      maxLength: 4,
    },
  )

function options_of(base: object, changes: readonly [string, () => unknown][]): Record<string, unknown> {
  const options: Record<string, unknown> = { ...base }
  for (const [name, make] of changes) {
    const value = make()
    // A callback is never a mistake, but without on_error every failure is said aloud.
    if (name === 'on_error' && value === undefined) continue
    if (
      (name === 'bind' || name === 'url') &&
      LEADS_ELSEWHERE.test(String(typeof value === 'string' ? value : ''))
    )
      continue
    options[name] = value
  }
  return options
}

const CALLS = { listen: net.listen, connect: net.connect }

for (const name of ['listen', 'connect'] as const) {
  const call: (options: never) => Handle = CALLS[name]
  test(`whatever ${name} is given, it takes it, or throws an error that names the option`, async () => {
    const names = known_names(call)
    const base = name === 'listen' ? { type: 'ws', bind: BIND } : { type: 'ws', url }
    await fuzz(
      `options of ${name}`,
      fc.asyncProperty(given(names), wrapping, (changes, wrap) =>
        check(call, names, wrap(options_of({ ...base, on_error: () => {} }, changes))),
      ),
    )
  })
}
