import { type ChildProcess, execFileSync } from 'node:child_process'
import { OPCODE } from '@bt/test-support/frames'
import { describe, expect, it } from 'vitest'
import { REQUEST, Wire } from '../src/wire.ts'
import { run_client, run_server } from './processes.ts'
import { start_server, url_of } from './subjects.ts'

/** Few file descriptors, of which Node takes about twenty for itself. */
const DESCRIPTORS = 64

/** Limits the file descriptors of a program that has started: while it loads, it opens more files at once. */
function limit_descriptors({ child }: { readonly child: ChildProcess }): void {
  execFileSync('prlimit', [`--pid=${child.pid}`, `--nofile=${DESCRIPTORS}`])
}

/** Tries to get in; says whether it did. */
async function try_to_open(addr: string): Promise<{ readonly wire: Wire; readonly is_open: boolean }> {
  const wire = await Wire.dial(addr)
  wire.write(REQUEST)
  const is_open = await Promise.race([wire.head().then(() => true), wire.ended.then(() => false)])
  return { wire, is_open }
}

describe('a server of ours survives that no file descriptor is left', () => {
  it('it says so once, serves those it has, and takes new ones when some have left', async () => {
    const { program, addr } = await run_server({})
    limit_descriptors(program)
    const inside: Wire[] = []
    let turned_away = 0
    for (let index = 0; index < 100; index += 1) {
      const { wire, is_open } = await try_to_open(addr)
      if (is_open) inside.push(wire)
      else turned_away += 1
    }
    expect(turned_away).toBeGreaterThan(36)
    expect(inside.length).toBeGreaterThan(10)
    for (const wire of inside) wire.text('still here')
    await Promise.all(inside.map(({ frames }) => frames.first(({ opcode }) => opcode === OPCODE.TEXT)))
    const [{ code, message }, ...more] = [await program.event('error'), ...program.events('error').slice(1)]
    expect(code).toBe('server_failed')
    expect(message).toMatch(/no file descriptor is left.*ulimit -n/)
    expect(more).toEqual([])
    for (const wire of inside.slice(0, 5)) wire.reset()
    await program.times('close', 5)
    for (let index = 0; index < 5; index += 1) expect((await try_to_open(addr)).is_open).toBe(true)
    expect(program.events('error')).toHaveLength(1)
  })
})

describe('a client of ours survives that no file descriptor is left', () => {
  it('it says so once, tries again, and gets through when there is one', async () => {
    const { server } = await start_server()
    const client = await run_client({ url: url_of(server), reconnect: { min_delay: 20, max_delay: 100 } })
    limit_descriptors(client)
    client.order({ do: 'take_descriptors' })
    client.order({ do: 'connect' })
    await client.times('reconnecting', 3)
    for (const { code } of client.events('reconnecting')) expect(code).toBe('handshake_failed')
    expect(client.events('error')).toHaveLength(1)
    expect(client.events('error')[0]?.message).toMatch(/no file descriptor is left.*ulimit -n/)
    client.order({ do: 'give_descriptors' })
    await client.event('open')
    client.order({ do: 'send', from: 0, to: 1, size: 10 })
    await client.event('message')
  })

  it('without reconnect, the connection fails with a word that says why', async () => {
    const { server } = await start_server()
    const client = await run_client({ url: url_of(server) })
    limit_descriptors(client)
    client.order({ do: 'take_descriptors' })
    client.order({ do: 'connect' })
    expect((await client.event('error')).message).toContain('no file descriptor is left')
    expect((await client.event('close')).info).toMatchObject({ cause: 'refused', code: 1006 })
  })
})
