import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
// @boundaries-ignore what the machine has is found in one place for the whole repository
import { NATS, path_of, REDIS } from '../../../scripts/test_run/programs.mjs'
import { type Broker, type BrokerKind, broker_program, start_broker } from '../src/process/broker.ts'
import { Tap } from '../src/process/tap.ts'
import { read_until } from './read_until.ts'

/** What a client says to have its own message back, and what a broker then says last. */
const SAID: Readonly<Record<BrokerKind, readonly [string, string]>> = {
  nats: ['CONNECT {"verbose":false}\r\nSUB a 1\r\nPUB a 5\r\nhello\r\n', 'MSG a 1 5\r\nhello\r\n'],
  redis: ['ECHO hello\r\n', '$5\r\nhello\r\n'],
}

let broker: Broker | undefined

afterEach(async () => {
  await broker?.stop()
  broker = undefined
})

describe.each<BrokerKind>(['nats', 'redis'])('a broker of %s', kind => {
  it('is told of with its version', () => {
    path_of(kind === 'nats' ? NATS : REDIS)
    expect(broker_program(kind)).toMatch(new RegExp(`^${kind}-server \\d+\\.\\d+\\.\\d+$`))
  })

  it.skipIf(process.platform !== 'linux')('tells its CPU time and memory while it runs', async () => {
    broker = await start_broker(kind)
    expect(broker.cpu_us()).toBeGreaterThan(0)
    expect(broker.rss_bytes()).toBeGreaterThan(1_000_000)
    const { cpu_us, rss_bytes } = broker
    await broker.stop()
    expect([cpu_us(), rss_bytes()]).toEqual([undefined, undefined])
  })

  it('tells what has crossed it, and not what it took to ask', async () => {
    broker = await start_broker(kind)
    const [said, heard] = SAID[kind]
    const client = connect(broker.port, '127.0.0.1')
    const before = await broker.traffic()
    expect(await broker.traffic()).toEqual(before)
    client.write(said)
    await read_until(client, heard)
    const after = await broker.traffic()
    client.destroy()
    const [in_bytes, out_bytes] = kind === 'nats' ? [5, 5] : [said.length, heard.length]
    expect(after).toEqual({
      in_bytes: before.in_bytes + in_bytes,
      out_bytes: before.out_bytes + out_bytes,
    })
  })

  it('is heard through a tap, which keeps what it says', async () => {
    broker = await start_broker(kind)
    const tap = await Tap.open(broker.port)
    const [said, heard] = SAID[kind]
    const client = connect(tap.port, '127.0.0.1')
    client.write(said)
    const all = await read_until(client, heard)
    expect(tap.take().toString()).toBe(all)
    expect(tap.take()).toHaveLength(0)
    await tap.stop()
  })
})
