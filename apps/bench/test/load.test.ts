import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setImmediate as end_of_turn } from 'node:timers/promises'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { ClientGroup } from '../src/load/client_group.ts'
import { close_socket, open_socket, type Target } from '../src/load/client_socket.ts'
import { run_closed_loop } from '../src/load/closed_loops.ts'
import { Flood } from '../src/load/flood.ts'
import { run_open_loop } from '../src/load/open_loop.ts'
import { run_probe } from '../src/load/probe.ts'
import { Receipts } from '../src/load/receipts.ts'
import { now_us } from '../src/process/commands.ts'
import { payload_of, type Shape } from '../src/wire/message.ts'

const TEXT: Shape = { kind: 'text', bytes: 64 }

let server: WebSocketServer | undefined
let group: ClientGroup | undefined

afterEach(async () => {
  await group?.close()
  group = undefined
  server?.close()
})

/** Starts a server of `ws`, and returns the target for the load. */
async function serve(
  on_message: (socket: WebSocket, data: RawData, is_binary: boolean) => void,
): Promise<Target> {
  server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 1024 },
  })
  server.on('connection', socket => {
    socket.on('message', (data, is_binary) => on_message(socket, data, is_binary))
  })
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, dialect: 'websocket', with_compression: false }
}

function next_turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Opens connections to an echo server, which counts the messages that it has received. */
async function echo_group(count: number): Promise<{ clients: ClientGroup; received: () => number }> {
  let received = 0
  const target = await serve((socket, data, is_binary) => {
    received += 1
    socket.send(data, { binary: is_binary })
  })
  const clients = new ClientGroup(target)
  group = clients
  await clients.grow_to(count)
  return { clients, received: () => received }
}

describe('a sent message', () => {
  it.each<Shape>([
    { kind: 'text', bytes: 16 },
    { kind: 'text', bytes: 125 },
    { kind: 'text', bytes: 126 },
    { kind: 'text', bytes: 65_535 },
    { kind: 'text', bytes: 65_536 },
    { kind: 'binary', bytes: 64 },
    { kind: 'text', bytes: 1024, is_compressed: true },
  ])('is read unchanged by a server of ws: %j', async shape => {
    let received: [string, boolean] | undefined
    const target = await serve((socket, data, is_binary) => {
      received = [data.toString(), is_binary]
      socket.send(data, { binary: is_binary })
    })
    group = new ClientGroup({ ...target, with_compression: shape.is_compressed === true })
    await group.grow_to(1)
    const answer_bytes = await group.try_echo(shape)
    expect(received).toEqual([payload_of(shape).toString(), shape.kind === 'binary'])
    if (shape.is_compressed) expect(answer_bytes).toBeLessThan(shape.bytes / 2)
    else expect(answer_bytes).toBeGreaterThan(shape.bytes)
  })
})

describe('a connection', () => {
  it('answers Pings, so that no heartbeat closes it', async () => {
    const target = await serve(() => {})
    const [[client], socket] = await Promise.all([
      once(server as WebSocketServer, 'connection') as Promise<[WebSocket]>,
      open_socket(target),
    ])
    let bytes = 0
    socket.on_bytes = ({ length }) => {
      bytes += length
    }
    client.ping()
    await once(client, 'pong')
    expect(bytes).toBe(0)
    await close_socket(socket)
  })

  it('closes with a closing handshake', async () => {
    const target = await serve(() => {})
    const [[client], socket] = await Promise.all([
      once(server as WebSocketServer, 'connection') as Promise<[WebSocket]>,
      open_socket(target),
    ])
    const closed = once(client, 'close')
    await close_socket(socket)
    expect((await closed)[0]).toBe(1000)
  })

  it('fails with the response of the server if that is not a handshake', async () => {
    const target = await serve(() => {})
    server?.on('headers', headers => {
      headers[0] = 'HTTP/1.1 200 OK'
    })
    await expect(open_socket(target)).rejects.toThrow('the handshake was answered: HTTP/1.1 200 OK')
  })

  it('fails if no server listens', async () => {
    const target = await serve(() => {})
    server?.close()
    await once(server as WebSocketServer, 'close')
    await expect(open_socket(target)).rejects.toThrow('ECONNREFUSED')
  })
})

describe('trying an echo', () => {
  it('rejects a wrong answer of the right length', async () => {
    group = new ClientGroup(await serve((socket, data) => socket.send(data.toString().toUpperCase())))
    await group.grow_to(1)
    await expect(group.try_echo(TEXT)).rejects.toThrow('is not the message that was sent')
  })

  it('rejects an answer that is not compressed but should be', async () => {
    const target = await serve((socket, data) => socket.send(data.toString(), { compress: false }))
    group = new ClientGroup({ ...target, with_compression: true })
    await group.grow_to(1)
    const shape: Shape = { kind: 'text', bytes: 1024, is_compressed: true }
    await expect(group.try_echo(shape)).rejects.toThrow('the answer is not compressed')
  })

  it('fails if the server closes the connection instead', async () => {
    group = new ClientGroup(await serve(socket => socket.terminate()))
    await group.grow_to(1)
    await expect(group.try_echo(TEXT)).rejects.toThrow('closed while an answer was due')
  })
})

describe('a closed loop', () => {
  it('counts as many answers as the server has received messages, at least `depth` per connection', async () => {
    const { clients, received } = await echo_group(3)
    const answer_bytes = await clients.try_echo(TEXT)
    const before = received()
    const { messages } = await run_closed_loop(clients, { shapes: [TEXT], depth: 8, run_ms: 20 }, [
      answer_bytes,
    ])
    expect(messages).toBe(received() - before)
    expect(messages).toBeGreaterThanOrEqual(3 * 8)
  })

  it('fails if a connection is lost', async () => {
    const { clients } = await echo_group(2)
    const answer_bytes = await clients.try_echo(TEXT)
    const run = run_closed_loop(clients, { shapes: [TEXT], depth: 1, run_ms: 60_000 }, [answer_bytes])
    for (const client of server?.clients ?? []) client.terminate()
    await expect(run).rejects.toThrow('a connection was closed')
  })
})

describe('a closed loop of several sizes', () => {
  it('sends the sizes in turn on each connection, and receives all answers', async () => {
    const sizes = [16, 300, 70_000]
    const received = new Map<WebSocket, number[]>()
    const target = await serve((socket, data, is_binary) => {
      received.set(socket, [...(received.get(socket) ?? []), (data as Buffer).length])
      socket.send(data, { binary: is_binary })
    })
    group = new ClientGroup(target)
    await group.grow_to(2)
    const shapes = sizes.map((bytes): Shape => ({ kind: 'text', bytes }))
    const answer_bytes = [18, 304, 70_010]
    const { messages } = await run_closed_loop(group, { shapes, depth: 4, run_ms: 20 }, answer_bytes)
    const all = [...received.values()]
    expect(messages).toBe(all.flat().length)
    // The connections begin with different sizes.
    expect(all.map(([first]) => first).sort()).toEqual([16, 300])
    for (const lengths of all)
      for (const [index, length] of lengths.entries())
        expect(length).toBe(sizes[(sizes.indexOf(lengths[0] as number) + index) % sizes.length])
  })
})

describe('a probe', () => {
  it('keeps sending without answers, and times every answer', async () => {
    const unanswered: (() => void)[] = []
    let is_answering = false
    const target = await serve((socket, data) => {
      unanswered.push(() => socket.send(data, { binary: false }))
      // The first message waits two intervals, because the server answers only when it has received three.
      is_answering ||= unanswered.length === 3
      if (is_answering) for (const answer of unanswered.splice(0)) answer()
    })
    group = new ClientGroup(target)
    await group.grow_to(1)
    // A busy machine sends fewer messages in a real time.
    vi.useFakeTimers({
      toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance'],
    })
    onTestFinished(() => void vi.useRealTimers())
    const probe = run_probe(group, { shape: TEXT, every_ms: 5, run_ms: 200 }, 66)
    let is_over = false
    const over = probe.finally(() => {
      is_over = true
    })
    while (!is_over) {
      vi.advanceTimersByTime(5)
      await end_of_turn()
    }
    const { messages, p50_ms, worst_ms } = await over
    expect(messages).toBeGreaterThanOrEqual(3)
    expect(worst_ms).toBeGreaterThanOrEqual(9)
    expect(worst_ms).toBeGreaterThanOrEqual(p50_ms)
  })

  it('fails if the connection is lost', async () => {
    const { clients } = await echo_group(1)
    const probe = run_probe(clients, { shape: TEXT, every_ms: 1, run_ms: 60_000 }, 66)
    for (const client of server?.clients ?? []) client.terminate()
    await expect(probe).rejects.toThrow('an honest client was closed')
  })
})

describe('a flood', () => {
  const kind = { case_name: '', clients: 2, opcode: 1, payload: 'room', only_bt_net: false }

  it('comes from the given number of clients until it is stopped', async () => {
    const texts = new Set<string>()
    const senders = new Set<WebSocket>()
    const target = await serve((socket, data) => {
      texts.add(data.toString())
      senders.add(socket)
    })
    const flood = await Flood.start({ port: target.port, kind })
    await expect.poll(() => senders.size).toBe(2)
    expect(flood.stop()).toBe(0)
    expect([...texts]).toEqual(['room'])
  })

  it('counts the clients that the server disconnects', async () => {
    const target = await serve(socket => socket.terminate())
    const flood = await Flood.start({ port: target.port, kind })
    await expect.poll(() => server?.clients.size).toBe(0)
    await expect.poll(() => flood.clients_ended).toBe(2)
    expect(flood.stop()).toBe(2)
  })
})

describe('Receipts', () => {
  const MESSAGE = payload_of(TEXT).toString()

  /** Opens connections, and returns them with a function that sends messages to all of them. */
  async function open_receivers(
    count: number,
  ): Promise<{ clients: ClientGroup; send: (times: number) => void }> {
    const clients = new ClientGroup(await serve(() => {}))
    group = clients
    await clients.grow_to(count)
    const send = (times: number): void => {
      for (const client of server?.clients ?? [])
        for (let sent = 0; sent < times; sent += 1) client.send(MESSAGE)
    }
    return { clients, send }
  }

  it('counts the messages of all sockets, even if several arrive in one read', async () => {
    const { clients, send } = await open_receivers(3)
    const receipts = new Receipts(clients, TEXT)
    send(4)
    expect(await receipts.all(12)).toMatchObject({ messages: 12 })
  })

  it('times messages from when they were published, without those before the given index', async () => {
    const { clients, send } = await open_receivers(2)
    const receipts = new Receipts(clients, TEXT)
    send(3)
    await receipts.all(6)
    const now = now_us()
    const { p50_us, p99_us } = receipts.times([now, now - 5_000_000, now - 5_000_000], 1)
    expect(p50_us).toBeGreaterThan(4_000_000)
    expect(p99_us).toBeLessThan(5_000_000)
  })

  it('rejects more messages than expected', async () => {
    const { clients, send } = await open_receivers(1)
    const receipts = new Receipts(clients, TEXT)
    send(2)
    await receipts.all(2)
    await expect(receipts.all(1)).rejects.toThrow('2 messages have come where 1 were due')
  })

  it('rejects if a connection is lost before all messages have arrived', async () => {
    const { clients } = await open_receivers(2)
    const due = new Receipts(clients, TEXT).all(1)
    for (const client of server?.clients ?? []) client.terminate()
    await expect(due).rejects.toThrow('a connection was closed')
  })

  it('rejects if a connection was lost before', async () => {
    const { clients } = await open_receivers(2)
    const receipts = new Receipts(clients, TEXT)
    for (const client of server?.clients ?? []) client.terminate()
    await Promise.all(clients.sockets.map(({ closed }) => closed))
    await expect(receipts.all(1)).rejects.toThrow('a connection was closed')
  })
})

describe('trying a fan-out', () => {
  it('checks all messages of a burst on each socket', async () => {
    const clients = new ClientGroup(await serve(() => {}))
    group = clients
    await clients.grow_to(2)
    const text = payload_of(TEXT).toString()
    const pull = (texts: readonly string[]) => () => {
      for (const client of server?.clients ?? []) for (const sent of texts) client.send(sent)
    }
    await clients.try_fan_out({ shape: TEXT, burst: 2 }, { pull: pull([text, text]) })
    const other = clients.try_fan_out({ shape: TEXT, burst: 2 }, { pull: pull([text, text.toUpperCase()]) })
    await expect(other).rejects.toThrow('is not the message that was sent')
  })
})

describe('an open loop', () => {
  it('sends all messages of the schedule, and times every answer', async () => {
    const { clients, received } = await echo_group(4)
    const answer_bytes = await clients.try_echo(TEXT)
    const before = received()
    const task = { shape: TEXT, messages_per_s: 5_000, settle_ms: 20, run_ms: 80, seed: 1 }
    const result = await run_open_loop(clients, task, answer_bytes)
    expect(result.messages).toBe(500)
    expect(received() - before).toBe(500)
    expect(result.p50_us).toBeGreaterThan(0)
    expect(result.p99_us).toBeGreaterThanOrEqual(result.p50_us)
    expect(result.p999_us).toBeGreaterThanOrEqual(result.p99_us)
  })

  it('fails if a connection is lost, and stops polling the clock', async () => {
    const { clients } = await echo_group(2)
    const answer_bytes = await clients.try_echo(TEXT)
    const task = { shape: TEXT, messages_per_s: 1_000, settle_ms: 0, run_ms: 60_000, seed: 1 }
    const run = run_open_loop(clients, task, answer_bytes)
    for (const client of server?.clients ?? []) client.terminate()
    await expect(run).rejects.toThrow('a connection was closed')
    // Lets the turn pass that was scheduled already.
    await next_turn()
    const now = vi.spyOn(performance, 'now')
    onTestFinished(() => now.mockRestore())
    await next_turn()
    expect(now).not.toHaveBeenCalled()
  })

  it('includes the wait of messages that were due while the server was blocked', async () => {
    const STALL_MS = 60
    let is_first = true
    const target = await serve((socket, data) => {
      // Server and load share this thread, so messages that become due meanwhile are sent late.
      const until = performance.now() + (is_first ? STALL_MS : 0)
      is_first = false
      while (performance.now() < until);
      socket.send(data, { binary: false })
    })
    group = new ClientGroup(target)
    await group.grow_to(2)
    const task = { shape: TEXT, messages_per_s: 2_000, settle_ms: 0, run_ms: 50, seed: 1 }
    const { p50_us } = await run_open_loop(group, task, 66)
    expect(p50_us).toBeGreaterThan(10_000)
  })
})
