import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type CloseInfo,
  connect,
  listen,
  type NetError,
  type ReconnectInfo,
  type WsClient,
  type WsConnectOptions,
  type WsListenOptions,
  type WsServer,
} from '../src/index.js'

const servers: WsServer[] = []
const clients: WsClient[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) await client[Symbol.asyncDispose]()
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]()
})

async function start(options: Partial<WsListenOptions> = {}): Promise<WsServer> {
  const server = listen({ type: 'ws', bind: '127.0.0.1:0', ...options })
  servers.push(server)
  await server.opened
  return server
}

/** Starts a server at the address of an earlier one. */
function start_again(stopped: WsServer, options: Partial<WsListenOptions> = {}): Promise<WsServer> {
  return start({ bind: stopped.addr, ...options })
}

interface Heard {
  readonly client: WsClient
  readonly reconnecting: ReconnectInfo[]
  readonly errors: NetError[]
  opens: number
  /** Settles when the connection is open the next time. */
  next_open(): Promise<void>
  /** Settles when the client waits the next time. */
  next_wait(): Promise<void>
}

/** Connects a client that reconnects at once, and records its events. */
function connect_client(url: string, options: Partial<WsConnectOptions> = {}): Heard {
  const waiting: { open: (() => void)[]; wait: (() => void)[] } = { open: [], wait: [] }
  const client = connect({
    type: 'ws',
    url,
    reconnect: { min_delay: 1, max_delay: 20 },
    on_open: () => {
      heard.opens += 1
      for (const resolve of waiting.open.splice(0)) resolve()
    },
    on_reconnecting: info => {
      heard.reconnecting.push(info)
      for (const resolve of waiting.wait.splice(0)) resolve()
    },
    on_error: error => heard.errors.push(error),
    ...options,
  })
  const heard: Heard = {
    client,
    reconnecting: [],
    errors: [],
    opens: 0,
    next_open: () => new Promise(resolve => waiting.open.push(resolve)),
    next_wait: () => new Promise(resolve => waiting.wait.push(resolve)),
  }
  clients.push(client)
  return heard
}

const url_of = (server: WsServer): string => `ws://${server.addr}/ws`

describe('a server that is short of memory', () => {
  const MIB = 1_048_576

  /** Expects that the client was closed with 1013, and waits as long as the server asks for. */
  function expect_asked_to_wait(heard: Heard): void {
    const [{ info, delay_ms } = { info: undefined, delay_ms: 0 }] = heard.reconnecting
    expect(info).toMatchObject({ code: 1013, cause: 'peer', clean: true })
    const [, hint_ms] = /^overloaded; retry_after_ms=(\d+)$/.exec(info?.reason ?? '') ?? []
    expect(Number(hint_ms)).toBeGreaterThanOrEqual(5_000)
    expect(Number(hint_ms)).toBeLessThan(10_000)
    // The client adds a delay of its own, which is short here.
    expect(delay_ms - Number(hint_ms)).toBeGreaterThanOrEqual(0)
    expect(delay_ms - Number(hint_ms)).toBeLessThanOrEqual(20)
  }

  it('because of what has come in asks the clients that it closes to wait', async () => {
    const errors: NetError[] = []
    const server = await start({
      max_total_inbox: MIB,
      max_payload: 4 * MIB,
      on_error: error => errors.push(error),
    })
    const heard = connect_client(`ws://${server.addr}/ws`, { max_queue: 8 * MIB })
    await heard.client.opened
    const waits = heard.next_wait()
    heard.client.send('x'.repeat(4 * MIB - 1))
    await waits
    expect(errors.map(({ code }) => code)).toEqual(['inbox_shed'])
    expect_asked_to_wait(heard)
  })

  it('because of its queues asks the clients that it closes to wait', async () => {
    const errors: NetError[] = []
    const server = await start({
      max_queue: 64 * MIB,
      max_total_queue: 8 * MIB,
      on_error: error => errors.push(error),
    })
    let release = (): void => {}
    const pending = new Promise<void>(resolve => {
      release = resolve
    })
    const heard = connect_client(`ws://${server.addr}/ws`, { on_message: () => pending })
    await heard.client.opened
    const waits = heard.next_wait()
    while (server.stats().shed === 0) {
      server.broadcast('x'.repeat(100_000))
      await new Promise(setImmediate)
    }
    release()
    await waits
    expect(errors.map(({ code }) => code)).toEqual(['queue_shed'])
    expect_asked_to_wait(heard)
  })
})

describe('reconnect', () => {
  it('reconnects when the server is back, and sends the messages from in between in order and once', async () => {
    const got: string[] = []
    const first = await start()
    const heard = connect_client(url_of(first))
    await heard.next_open()
    const lost = heard.next_wait()
    first.close({ drain_ms: 0 })
    await lost
    await first.closed
    expect(heard.client.state).toBe('reconnecting')
    for (let i = 0; i < 100; i += 1) expect(heard.client.send(`${i}`)).toBe(true)
    expect(heard.client.queued).toBeGreaterThan(100)
    const second = await start_again(first, { on_message: (_socket, data) => got.push(data) })
    await heard.next_open()
    expect(heard.client.state).toBe('open')
    await heard.client.drained()
    heard.client.close()
    const info = await heard.client.closed
    await second[Symbol.asyncDispose]()
    expect(got).toEqual(Array.from({ length: 100 }, (_, i) => String(i)))
    expect(info).toMatchObject({ cause: 'local', clean: true, unsent: 0 })
    expect(heard.opens).toBe(2)
  })

  it('reports each attempt to on_reconnecting, and only the first failure to on_error', async () => {
    const first = await start()
    const heard = connect_client(url_of(first))
    await heard.next_open()
    await first[Symbol.asyncDispose]()
    while (heard.reconnecting.length < 4) await heard.next_wait()
    expect(heard.reconnecting.slice(0, 4).map(({ attempt, info }) => [attempt, info.cause])).toEqual([
      [1, 'peer'],
      [2, 'refused'],
      [3, 'refused'],
      [4, 'refused'],
    ])
    expect(heard.reconnecting[1]?.error?.code).toBe('connection_refused')
    expect(heard.errors.map(({ code }) => code)).toEqual(['connection_refused'])
    await start_again(first)
    await heard.next_open()
  })

  it('begins before there ever was a server', async () => {
    const gone = await start()
    await gone[Symbol.asyncDispose]()
    const heard = connect_client(url_of(gone))
    expect(heard.client.send('early')).toBe(true)
    await heard.next_wait()
    const got = new Promise<string>(resolve => {
      start_again(gone, { on_message: (_socket, data) => resolve(data) })
    })
    await heard.client.opened
    expect(await got).toBe('early')
  })

  it('keeps to the wait that a server asks for when it closes', async () => {
    const first = await start()
    const all = Array.from({ length: 20 }, () => connect_client(url_of(first)))
    await Promise.all(all.map(({ client }) => client.opened))
    const waits = all.map(heard => heard.next_wait())
    first.close({ spread_ms: 3_000_000 })
    await Promise.all(waits)
    const delays = all.map(({ reconnecting }) => reconnecting[0]?.delay_ms ?? 0)
    expect(delays.filter(delay_ms => delay_ms > 20).length).toBeGreaterThan(18)
    expect(Math.max(...delays)).toBeLessThan(3_000_000)
    expect(all[0]?.reconnecting[0]?.info).toMatchObject({ code: 1012, cause: 'peer' })
  })

  it.each([1000, 3000, 3003, 4401, 4403, 4404])('is over when the server closes with %i', async code => {
    const server = await start({ on_connect: socket => socket.close(code) })
    const heard = connect_client(url_of(server))
    expect(await heard.client.closed).toMatchObject({ code, cause: 'peer' })
    expect(heard.reconnecting).toEqual([])
    expect(heard.errors).toEqual([])
  })

  it('goes on when the server closes with a code of its own', async () => {
    let count = 0
    const server = await start({
      on_connect: socket => {
        count += 1
        if (count < 3) socket.close(4000)
      },
    })
    // A connection that lasts longer than max_delay starts the count anew, and on a busy machine even a short
    // one does.
    const heard = connect_client(url_of(server), { reconnect: { min_delay: 1, max_delay: 600_000 } })
    while (heard.opens < 3) await heard.next_open()
    expect(heard.client.state).toBe('open')
    expect(heard.reconnecting.map(({ attempt }) => attempt)).toEqual([1, 2])
  })

  it.each([400, 401, 403, 404, 410, 426, 503])(
    'tries again after a refusal only where that can change: %i',
    async status => {
      let asked = 0
      const http = createServer()
      http.on('upgrade', (_request, stream) => {
        asked += 1
        stream.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
      })
      await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
      const heard = connect_client(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws`, {
        reconnect: { min_delay: 1, max_delay: 2, max_attempts: 2 },
      })
      expect(await heard.client.closed).toMatchObject({ cause: 'refused' })
      expect(asked).toBe(status === 503 ? 3 : 1)
      await expect(heard.client.opened).rejects.toMatchObject({ code: 'handshake_refused' })
      expect(heard.errors.at(-1)?.message).toContain(String(status))
      http.closeAllConnections()
      await new Promise(resolve => http.close(resolve))
    },
  )

  it('waits as long as Retry-After asks', async () => {
    const server = await start({ max_connections: 1 })
    const first = connect_client(url_of(server))
    await first.client.opened
    const second = connect_client(url_of(server))
    await second.next_wait()
    expect(second.reconnecting[0]).toMatchObject({ attempt: 1, delay_ms: 5_000 })
  })

  it('ends when close() is called during the delay, and counts unsent messages', async () => {
    const gone = await start()
    await gone[Symbol.asyncDispose]()
    const infos: CloseInfo[] = []
    const heard = connect_client(url_of(gone), {
      reconnect: { min_delay: 1_000_000, max_delay: 2_000_000 },
      on_close: info => infos.push(info),
    })
    await heard.next_wait()
    heard.client.send('never')
    expect(heard.client.close()).toBe(true)
    expect(heard.client.state).toBe('closing')
    expect(infos).toEqual([])
    expect(await heard.client.closed).toMatchObject({ cause: 'local', unsent: 1 })
    expect(infos).toHaveLength(1)
    expect(heard.client.send('too late')).toMatchObject({ code: 'closed' })
  })

  it('goes on with a for await over both connections', async () => {
    const first = await start({ on_connect: socket => socket.send('first') })
    const heard = connect_client(url_of(first))
    const got: string[] = []
    const loop = (async () => {
      for await (const data of heard.client) {
        got.push(data)
        if (data === 'first') first.close()
        else return
      }
    })()
    await first.closed
    await start_again(first, { on_connect: socket => socket.send('second') })
    await loop
    expect(got).toEqual(['first', 'second'])
  })
})
