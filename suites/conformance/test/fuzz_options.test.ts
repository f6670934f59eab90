import { createServer, type Server } from 'node:net'
import * as net from '@bt/net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'
import { hostile_value, is_boom, SECRET, wrapping } from './hostile_value.ts'

const BIND = '127.0.0.1:0'
/** Matches values that could lead to another address; these are not tested. */
const OTHER_ADDRESS = /:\d|^unix:|^wss?\b/i

/** A server that ends every connection at once. */
let closing_server: Server
let url: string

beforeAll(async () => {
  closing_server = createServer(socket => socket.on('error', () => {}).destroy())
  await new Promise<void>(resolve => closing_server.listen(0, '127.0.0.1', resolve))
  url = `ws://127.0.0.1:${(closing_server.address() as { port: number }).port}/ws`
})

afterAll(() => new Promise(resolve => closing_server.close(resolve)))

interface Handle {
  readonly opened: Promise<void>
  readonly closed: Promise<unknown>
  close(): unknown
}

/** Returns the names of all options, which are in the error for an unknown option. */
function option_names(call: (options: never) => unknown): string[] {
  try {
    call({ type: 'ws', '§': 1 } as never)
  } catch (error) {
    const [, names] = /known are (.*)$/.exec((error as Error).message) ?? []
    if (names !== undefined) return names.split(', ')
  }
  throw new Error('the error does not name the options')
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
    // What a getter or a proxy throws is passed on.
    if (is_boom(error)) return
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

const arbitrary_options = (names: readonly string[]): fc.Arbitrary<[string, () => unknown][]> =>
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
    // Without `on_error`, every failure would print a warning.
    if (name === 'on_error' && value === undefined) continue
    if (
      (name === 'bind' || name === 'url') &&
      OTHER_ADDRESS.test(String(typeof value === 'string' ? value : ''))
    )
      continue
    options[name] = value
  }
  return options
}

const CALLS = { listen: net.listen, connect: net.connect }

for (const name of ['listen', 'connect'] as const) {
  const call: (options: never) => Handle = CALLS[name]
  test(`${name} accepts any value, or throws an error that names the option`, async () => {
    const names = option_names(call)
    const base = name === 'listen' ? { type: 'ws', bind: BIND } : { type: 'ws', url }
    await fuzz(
      `options of ${name}`,
      fc.asyncProperty(arbitrary_options(names), wrapping, (changes, wrap) =>
        check(call, names, wrap(options_of({ ...base, on_error: () => {} }, changes))),
      ),
    )
  })
}
