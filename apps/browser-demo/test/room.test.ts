import { address_text, parse_bound } from '@bt/demo-support/address'
import { Wire } from '@bt/demo-support/wire'
import { type CloseInfo, connect, type NetError, type WsClient } from '@bt/net'
import { expect, it, onTestFinished } from 'vitest'
import { Room } from '../src/server/room.ts'
import type { Control } from '../src/shared/control.ts'
import {
  load_text,
  message_text,
  type PageMessage,
  type Person,
  parse_server_message,
  type ServerMessage,
} from '../src/shared/message.ts'

const A_PLACE = { x: 0.25, y: 0.75 }

it('gives each client a name, and sends it the people in the room, arrivals and departures', async () => {
  const { join, room } = await open_room()
  const first = await join()
  expect(first.you.name).toBe('Otter')
  const second = await join()
  expect(second.you.name).toBe('Heron')
  expect(second.you.color).not.toBe(first.you.color)
  expect(second.people).toEqual([first.you])
  expect(await first.next('joined')).toEqual({ type: 'joined', person: second.you })
  second.ws.close()
  expect(await first.next('left')).toEqual({ type: 'left', id: second.you.id })
  expect(room.server.sockets.size).toBe(1)
})

it('forwards chat and cursors to all clients but their sender', async () => {
  const { join } = await open_room()
  const [first, second, third] = [await join(), await join(), await join()]
  first.send({ type: 'chat', text: 'hello' })
  first.send({ type: 'cursor', place: A_PLACE })
  first.send({ type: 'cursor', place: null })
  const { id } = first.you
  for (const other of [second, third]) {
    expect(await other.next('chat')).toEqual({ type: 'chat', id, text: 'hello' })
    expect(await other.next('cursor')).toEqual({ type: 'cursor', id, place: A_PLACE })
    expect(await other.next('cursor')).toEqual({ type: 'cursor', id, place: null })
  }
  first.send({ type: 'say', text: 'done' })
  await first.next('echo')
  expect(first.types()).not.toContain('chat')
  expect(first.types()).not.toContain('cursor')
})

it('answers pings, texts and load', async () => {
  const { join } = await open_room()
  const client = await join()
  client.send({ type: 'ping', at_ms: 12.5 })
  expect(await client.next('pong')).toEqual({ type: 'pong', at_ms: 12.5, queued_bytes: 0, held_back: 0 })
  client.send({ type: 'say', text: 'hello' })
  expect(await client.next('echo')).toEqual({ type: 'echo', text: 'hello' })
  client.ws.send(load_text(64))
  await client.has_loads(1)
})

it('closes a connection that sends an unknown message', async () => {
  const { join } = await open_room()
  const { ws } = await join()
  ws.send('what is this?')
  expect(await ws.closed).toMatchObject({ code: 4001, reason: 'not a message of this demo', cause: 'peer' })
})

it('cuts one connection without a Close, and no other', async () => {
  const { join, lefts } = await open_room()
  const [first, second] = [await join(), await join()]
  first.control({ action: 'cut' })
  expect(await first.ws.closed).toMatchObject({ code: 1006, cause: 'network', clean: false })
  expect(await second.next('left')).toEqual({ type: 'left', id: first.you.id })
  expect(lefts).toMatchObject([{ cause: 'network', clean: false }])
  second.send({ type: 'say', text: 'still here' })
  await second.next('echo')
})

it('lets the queue of a client fill while it reads slowly, and drain when it reads quickly again', async () => {
  const { join } = await open_room()
  const { ws, control } = await join({ max_queue: 262_144 })
  control({ action: 'slow', is_on: true })
  await send_until_full(ws, 1_024)
  expect(ws.queued).toBeGreaterThan(100_000)
  control({ action: 'slow', is_on: false })
  await ws.drained()
  expect(ws.queued).toBe(0)
})

it('reports at once that a client has disconnected, even with unread messages of it', {
  timeout: 10_000,
}, async () => {
  const { join } = await open_room()
  const { ws, control, you } = await join({ max_queue: 262_144 })
  const other = await join()
  control({ action: 'slow', is_on: true })
  // Answering everything that is unread would take longer than the time limit of this test.
  await send_until_full(ws, 64)
  control({ action: 'cut' })
  expect(await other.next('left')).toEqual({ type: 'left', id: you.id })
})

it('feeds at about the requested rate, until it is asked to stop', async () => {
  const { join } = await open_room()
  const { control, loads, has_loads } = await join()
  const started_ms = performance.now()
  control({ action: 'feed', rate: 2_000, size_bytes: 64 })
  await has_loads(1_000)
  // The timer may be late, and is never early.
  expect(performance.now() - started_ms).toBeGreaterThan(450)
  control({ action: 'feed', rate: 0, size_bytes: 64 })
  const stopped_at = loads()
  control({ action: 'feed', rate: 1, size_bytes: 64 })
  await has_loads(stopped_at + 1)
  expect(loads()).toBeLessThan(stopped_at + 200)
})

it('slows a feed down to the speed of the connection, and counts the skipped messages', async () => {
  const { join } = await open_room()
  const { control, next, send } = await join()
  control({ action: 'feed', rate: 20_000, size_bytes: 16_384 })
  let held_back = 0
  while (held_back === 0) {
    send({ type: 'ping', at_ms: 0 })
    const pong = await next('pong')
    if (pong.type === 'pong') held_back = pong.held_back
  }
  control({ action: 'feed', rate: 0, size_bytes: 1 })
})

it('identifies a connection by its key only', async () => {
  const { join, room } = await open_room()
  await join()
  expect(room.control({ key: 'guessed', action: 'cut' })).toBe(false)
})

interface Joined {
  readonly ws: WsClient
  readonly you: Person
  readonly people: readonly Person[]
  readonly send: (message: PageMessage) => void
  readonly control: (control: Control) => void
  /** Takes the next message of a type. */
  readonly next: (type: ServerMessage['type']) => Promise<ServerMessage>
  /** The types of the messages that were not taken yet. */
  readonly types: () => string[]
  /** The number of load messages. */
  readonly loads: () => number
  /** Resolves when at least this many load messages have come. */
  readonly has_loads: (count: number) => Promise<void>
}

async function open_room(): Promise<{
  room: Room
  lefts: CloseInfo[]
  join: (options?: { max_queue: number }) => Promise<Joined>
}> {
  const lefts: CloseInfo[] = []
  const errors: NetError[] = []
  const room = new Room({
    cut: addr => wire.cut(addr),
    on_left: (_person, info) => lefts.push(info),
    on_error: error => errors.push(error),
  })
  await room.server.opened
  const wire = new Wire({ host: '127.0.0.1', port: 0 }, parse_bound(room.server.addr))
  const url = `ws://${address_text(await wire.listen())}/ws`
  onTestFinished(async () => {
    room.server.close()
    await room.server.closed
    wire.close()
    expect(errors).toEqual([])
  })
  return { room, lefts, join: options => join(room, url, options) }
}

async function join(room: Room, url: string, options?: { max_queue: number }): Promise<Joined> {
  const ws = connect({ type: 'ws', url, ...options })
  const waiting: ServerMessage[] = []
  let loads = 0
  let notify = (): void => {}
  ws.on_error(() => {})
  ws.on_message(text => {
    const message = parse_server_message(text)
    if (message === undefined) loads += 1
    else waiting.push(message)
    notify()
  })
  const one_more = (): Promise<void> =>
    new Promise(resolve => {
      notify = resolve
    })
  const next = async (type: string): Promise<ServerMessage> => {
    for (;;) {
      const found = waiting.findIndex(message => message.type === type)
      const [message] = found === -1 ? [] : waiting.splice(found, 1)
      if (message !== undefined) return message
      await one_more()
    }
  }
  const has_loads = async (count: number): Promise<void> => {
    while (loads < count) await one_more()
  }
  const welcome = await next('welcome')
  if (welcome.type !== 'welcome') throw new Error('not welcome')
  const { you, people, key } = welcome
  return {
    ws,
    you,
    people,
    next,
    send: message => ws.send(message_text(message)),
    control: control => expect(room.control({ ...control, key })).toBe(true),
    types: () => waiting.map(({ type }) => type),
    loads: () => loads,
    has_loads,
  }
}

async function send_until_full(ws: WsClient, size_bytes: number): Promise<void> {
  for (;;) {
    for (let i = 0; i < 100; i += 1) if (ws.send(load_text(size_bytes)) !== true) return
    await new Promise(resolve => setImmediate(resolve))
  }
}
