import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
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

/** A server of `ws`, and how the load reaches it. */
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

function a_turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Connections to a server that echoes, and how many messages it got. */
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

describe('what is sent', () => {
  it.each<Shape>([
    { kind: 'text', bytes: 16 },
    { kind: 'text', bytes: 125 },
    { kind: 'text', bytes: 126 },
    { kind: 'text', bytes: 65_535 },
    { kind: 'text', bytes: 65_536 },
    { kind: 'binary', bytes: 64 },
    { kind: 'text', bytes: 1024, is_compressed: true },
  ])('is what a server of others reads, to the byte: %j', async shape => {
    let got: [string, boolean] | undefined
    const target = await serve((socket, data, is_binary) => {
      got = [data.toString(), is_binary]
      socket.send(data, { binary: is_binary })
    })
    group = new ClientGroup({ ...target, with_compression: shape.is_compressed === true })
    await group.grow_to(1)
    const answer_bytes = await group.try_echo(shape)
    expect(got).toEqual([payload_of(shape).toString(), shape.kind === 'binary'])
    if (shape.is_compressed) expect(answer_bytes).toBeLessThan(shape.bytes / 2)
    else expect(answer_bytes).toBeGreaterThan(shape.bytes)
  })
})

describe('a connection', () => {
  it('answers Pings, so that nobody takes it for dead', async () => {
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

  it('closes in order', async () => {
    const target = await serve(() => {})
    const [[client], socket] = await Promise.all([
      once(server as WebSocketServer, 'connection') as Promise<[WebSocket]>,
      open_socket(target),
    ])
    const closed = once(client, 'close')
    await close_socket(socket)
    expect((await closed)[0]).toBe(1000)
  })

  it('fails with what the server said where that is no handshake', async () => {
    const target = await serve(() => {})
    server?.on('headers', headers => {
      headers[0] = 'HTTP/1.1 200 OK'
    })
    await expect(open_socket(target)).rejects.toThrow('the handshake was answered: HTTP/1.1 200 OK')
  })

  it('fails where nobody listens', async () => {
    const target = await serve(() => {})
    server?.close()
    await once(server as WebSocketServer, 'close')
    await expect(open_socket(target)).rejects.toThrow('ECONNREFUSED')
  })
})

describe('trying an echo', () => {
  it('refuses an answer that is not what was sent, though as long', async () => {
    group = new ClientGroup(await serve((socket, data) => socket.send(data.toString().toUpperCase())))
    await group.grow_to(1)
    await expect(group.try_echo(TEXT)).rejects.toThrow('is not the message that was sent')
  })

  it('refuses an answer that is not compressed where it should be', async () => {
    const target = await serve((socket, data) => socket.send(data.toString(), { compress: false }))
    group = new ClientGroup({ ...target, with_compression: true })
    await group.grow_to(1)
    const shape: Shape = { kind: 'text', bytes: 1024, is_compressed: true }
    await expect(group.try_echo(shape)).rejects.toThrow('the answer is not compressed')
  })

  it('fails where the server closes instead', async () => {
    group = new ClientGroup(await serve(socket => socket.terminate()))
    await group.grow_to(1)
    await expect(group.try_echo(TEXT)).rejects.toThrow('closed while an answer was due')
  })
})

describe('a closed loop', () => {
  it('counts as many answers as the server has got messages, whole windows at the least', async () => {
    const { clients, received } = await echo_group(3)
    const answer_bytes = await clients.try_echo(TEXT)
    const before = received()
    const { messages } = await run_closed_loop(clients, { shapes: [TEXT], depth: 8, run_ms: 20 }, [
      answer_bytes,
    ])
    expect(messages).toBe(received() - before)
    expect(messages).toBeGreaterThanOrEqual(3 * 8)
  })

  it('fails where a connection is lost', async () => {
    const { clients } = await echo_group(2)
    const answer_bytes = await clients.try_echo(TEXT)
    const run = run_closed_loop(clients, { shapes: [TEXT], depth: 1, run_ms: 60_000 }, [answer_bytes])
    for (const client of server?.clients ?? []) client.terminate()
    await expect(run).rejects.toThrow('a connection was closed')
  })
})

describe('a closed loop of several sizes', () => {
  it('sends them in turn on each connection, and takes in as many answers', async () => {
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
    // One connection begins with the first size, the other with another.
    expect(all.map(([first]) => first).sort()).toEqual([16, 300])
    for (const lengths of all)
      for (const [index, length] of lengths.entries())
        expect(length).toBe(sizes[(sizes.indexOf(lengths[0] as number) + index) % sizes.length])
  })
})

describe('a probe', () => {
  it('sends on, whatever is not answered yet, and times every answer', async () => {
    const unanswered: (() => void)[] = []
    let is_answering = false
    const target = await serve((socket, data) => {
      unanswered.push(() => socket.send(data, { binary: false }))
      // None is answered until three are there, so the first has waited for two intervals.
      is_answering ||= unanswered.length === 3
      if (is_answering) for (const answer of unanswered.splice(0)) answer()
    })
    group = new ClientGroup(target)
    await group.grow_to(1)
    const { messages, p50_ms, worst_ms } = await run_probe(
      group,
      { shape: TEXT, every_ms: 5, run_ms: 200 },
      66,
    )
    expect(messages).toBeGreaterThanOrEqual(3)
    expect(worst_ms).toBeGreaterThanOrEqual(9)
    expect(worst_ms).toBeGreaterThanOrEqual(p50_ms)
  })

  it('fails where the connection is lost', async () => {
    const { clients } = await echo_group(1)
    const probe = run_probe(clients, { shape: TEXT, every_ms: 1, run_ms: 60_000 }, 66)
    for (const client of server?.clients ?? []) client.terminate()
    await expect(probe).rejects.toThrow('an honest client was closed')
  })
})

describe('a flood', () => {
  const kind = { case_name: '', clients: 2, opcode: 1, payload: 'room', only_bt_net: false }

  it('comes from that many clients until it is stopped', async () => {
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

  it('counts the clients that the server cuts off', async () => {
    const target = await serve(socket => socket.terminate())
    const flood = await Flood.start({ port: target.port, kind })
    await expect.poll(() => server?.clients.size).toBe(0)
    await expect.poll(() => flood.clients_ended).toBe(2)
    expect(flood.stop()).toBe(2)
  })
})

describe('receipts', () => {
  const MESSAGE = payload_of(TEXT).toString()

  /** Sockets that send nothing, and what sends to all of them. */
  async function listeners(count: number): Promise<{ clients: ClientGroup; send: (times: number) => void }> {
    const clients = new ClientGroup(await serve(() => {}))
    group = clients
    await clients.grow_to(count)
    const send = (times: number): void => {
      for (const client of server?.clients ?? [])
        for (let sent = 0; sent < times; sent += 1) client.send(MESSAGE)
    }
    return { clients, send }
  }

  it('are counted, all sockets together, whatever comes in one read', async () => {
    const { clients, send } = await listeners(3)
    const receipts = new Receipts(clients, TEXT)
    send(4)
    expect(await receipts.all(12)).toMatchObject({ messages: 12 })
  })

  it('are timed from when each message was published, but for those that come first', async () => {
    const { clients, send } = await listeners(2)
    const receipts = new Receipts(clients, TEXT)
    send(3)
    await receipts.all(6)
    const now = now_us()
    const { p50_us, p99_us } = receipts.times([now, now - 5_000_000, now - 5_000_000], 1)
    expect(p50_us).toBeGreaterThan(4_000_000)
    expect(p99_us).toBeLessThan(5_000_000)
  })

  it('that nobody has sent for are an error', async () => {
    const { clients, send } = await listeners(1)
    const receipts = new Receipts(clients, TEXT)
    send(2)
    await receipts.all(2)
    await expect(receipts.all(1)).rejects.toThrow('2 messages have come where 1 were due')
  })

  it('that never come since a connection is lost are an error', async () => {
    const { clients } = await listeners(2)
    const due = new Receipts(clients, TEXT).all(1)
    for (const client of server?.clients ?? []) client.terminate()
    await expect(due).rejects.toThrow('a connection was closed')
  })

  it('are an error, too, where the connection was lost before they were asked for', async () => {
    const { clients } = await listeners(2)
    const receipts = new Receipts(clients, TEXT)
    for (const client of server?.clients ?? []) client.terminate()
    await Promise.all(clients.sockets.map(({ closed }) => closed))
    await expect(receipts.all(1)).rejects.toThrow('a connection was closed')
  })
})

describe('a fan-out that is tried', () => {
  it('is as many messages for each socket as a burst has, to the byte', async () => {
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
  it('sends as many as were due, whatever comes back when, and times every answer', async () => {
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

  it('fails where a connection is lost, and looks at the clock no more', async () => {
    const { clients } = await echo_group(2)
    const answer_bytes = await clients.try_echo(TEXT)
    const task = { shape: TEXT, messages_per_s: 1_000, settle_ms: 0, run_ms: 60_000, seed: 1 }
    const run = run_open_loop(clients, task, answer_bytes)
    for (const client of server?.clients ?? []) client.terminate()
    await expect(run).rejects.toThrow('a connection was closed')
    // The turn that was due already goes by.
    await a_turn()
    const looks = vi.spyOn(performance, 'now')
    onTestFinished(() => looks.mockRestore())
    await a_turn()
    expect(looks).not.toHaveBeenCalled()
  })

  it('counts the wait of messages that were due while the server did nothing', async () => {
    const STALL_MS = 60
    let is_first = true
    const target = await serve((socket, data) => {
      // The only thread of the server and of the load: nothing is sent meanwhile, though much is due.
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
