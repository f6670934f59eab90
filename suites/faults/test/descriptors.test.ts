import { type ChildProcess, execFileSync } from 'node:child_process'
import { OPCODE } from '@bt/test-support/frames'
import { describe, expect, it } from 'vitest'
import { RawPeer, REQUEST } from '../src/raw_peer.ts'
import { start_server, url_of } from './endpoints.ts'
import { run_client, run_server } from './test_process.ts'

/** The limit of file descriptors; Node itself uses about twenty. */
const DESCRIPTORS = 64

/** Limits the file descriptors of a program that has started; while it loads, it needs more of them. */
function limit_descriptors({ child }: { readonly child: ChildProcess }): void {
  execFileSync('prlimit', [`--pid=${child.pid}`, `--nofile=${DESCRIPTORS}`])
}

/** Sends a handshake, and returns whether the server accepted it. */
async function try_to_open(addr: string): Promise<{ readonly peer: RawPeer; readonly is_open: boolean }> {
  const peer = await RawPeer.dial(addr)
  peer.write(REQUEST)
  const is_open = await Promise.race([peer.head().then(() => true), peer.ended.then(() => false)])
  return { peer, is_open }
}

describe('a server without free file descriptors', () => {
  it('reports that once, serves its clients, and accepts new ones when some have left', async () => {
    const { program, addr } = await run_server({})
    limit_descriptors(program)
    const accepted: RawPeer[] = []
    let rejected = 0
    for (let index = 0; index < 100; index += 1) {
      const { peer, is_open } = await try_to_open(addr)
      if (is_open) accepted.push(peer)
      else rejected += 1
    }
    expect(rejected).toBeGreaterThan(36)
    expect(accepted.length).toBeGreaterThan(10)
    for (const peer of accepted) peer.text('still here')
    await Promise.all(accepted.map(({ frames }) => frames.first(({ opcode }) => opcode === OPCODE.TEXT)))
    const [{ code, message }, ...more] = [await program.event('error'), ...program.events('error').slice(1)]
    expect(code).toBe('server_failed')
    expect(message).toMatch(/no file descriptor is left.*ulimit -n/)
    expect(more).toEqual([])
    for (const peer of accepted.slice(0, 5)) peer.reset()
    await program.times('close', 5)
    for (let index = 0; index < 5; index += 1) expect((await try_to_open(addr)).is_open).toBe(true)
    expect(program.events('error')).toHaveLength(1)
  })
})

describe('a client without free file descriptors', () => {
  it('reports that once, retries, and connects when one is free', async () => {
    const { server } = await start_server()
    const client = await run_client({ url: url_of(server), reconnect: { min_delay: 20, max_delay: 100 } })
    limit_descriptors(client)
    client.send({ command: 'exhaust_descriptors' })
    client.send({ command: 'connect' })
    await client.times('reconnecting', 3)
    for (const { code } of client.events('reconnecting')) expect(code).toBe('handshake_failed')
    expect(client.events('error')).toHaveLength(1)
    expect(client.events('error')[0]?.message).toMatch(/no file descriptor is left.*ulimit -n/)
    client.send({ command: 'release_descriptors' })
    await client.event('open')
    client.send({ command: 'send', from: 0, to: 1, size: 10 })
    await client.event('message')
  })

  it('fails with an error that names the reason, without reconnect', async () => {
    const { server } = await start_server()
    const client = await run_client({ url: url_of(server) })
    limit_descriptors(client)
    client.send({ command: 'exhaust_descriptors' })
    client.send({ command: 'connect' })
    expect((await client.event('error')).message).toContain('no file descriptor is left')
    expect((await client.event('close')).info).toMatchObject({ cause: 'refused', code: 1006 })
  })
})
