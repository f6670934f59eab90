import { describe, expect, it, vi } from 'vitest'
import type { SocketEvents, SocketPort } from '../../src/connection/socket_port.js'
import { NetError } from '../../src/errors/errors.js'
import { OPCODE, read_frames } from '../../src/frames/frame.js'
import { with_node_sessions } from '../../src/node/platform/session_platform.js'
import type { Batch, FrameBatch } from '../../src/queues/batch.js'
import type { MessageBatch } from '../../src/queues/message_queue.js'
import type { SendQueue } from '../../src/queues/send_queue.js'
import { read_control, write_control } from '../../src/session/control.js'
import type { Resumption } from '../../src/session/session.js'
import { type SessionPlatform, with_sessions } from '../../src/session/session_platform.js'
import {
  type ClientSessionOwner,
  type ServerSessionOwner,
  SessionPort,
  SessionSocket,
} from '../../src/session/session_port.js'
import { FakePlatform } from '../../src/testing/index.js'
import { seeded_random, test_seed } from '../seeded_random.js'

type Payload = string | Uint8Array

const RUNS = 60
const STEPS = 150
const WINDOW = 2_000
const TOKEN = Uint8Array.of(1, 2, 3)

function payloads_of(batch: Batch): readonly Payload[] {
  if ('payloads' in batch) return (batch as MessageBatch).payloads
  return Array.from(read_frames((batch as FrameBatch).frames), ({ opcode, payload }) =>
    opcode === OPCODE.TEXT ? Buffer.from(payload).toString() : new Uint8Array(payload),
  )
}

class MessagePlatform extends FakePlatform implements SessionPlatform {
  readonly #sessions = with_sessions(this)
  override make_queue(is_masked: boolean): SendQueue {
    return this.#sessions.make_queue(is_masked)
  }
  readonly make_control: SessionPlatform['make_control'] = this.#sessions.make_control
  readonly make_kept: SessionPlatform['make_kept'] = this.#sessions.make_kept
  readonly has_late_timers: boolean = true
}

class FramePlatform extends FakePlatform implements SessionPlatform {
  readonly #sessions = with_node_sessions(this)
  override make_queue(is_masked: boolean): SendQueue {
    return this.#sessions.make_queue(is_masked)
  }
  readonly make_control: SessionPlatform['make_control'] = this.#sessions.make_control
  readonly make_kept: SessionPlatform['make_kept'] = this.#sessions.make_kept
  readonly has_late_timers: boolean = this.#sessions.has_late_timers
}

/** One end of a wire: what it writes waits until the test delivers it. */
class WireEnd implements SocketPort {
  readonly is_close_sent = true
  readonly unsent = 0
  readonly buffered_bytes = 0
  /** What is on its way to the other end: messages, and a Close at last. */
  readonly outgoing: (Payload | { readonly code: number; readonly reason: string })[] = []
  is_open = true
  is_busy = false
  readonly #gets_busy: () => boolean

  /** `gets_busy`: whether the network takes nothing more after a write, until it has drained. */
  constructor(gets_busy: () => boolean) {
    this.#gets_busy = gets_busy
  }

  get is_writable(): boolean {
    return this.is_open
  }
  get takes_batch(): boolean {
    return this.is_open && !this.is_busy
  }
  write(batch: Batch): void {
    expect(this.takes_batch).toBe(true)
    this.outgoing.push(...payloads_of(batch))
    if ('frames' in batch) (batch as FrameBatch).release()
    this.is_busy = this.#gets_busy()
  }
  close(code: number, reason: string): void {
    this.is_open = false
    this.outgoing.push({ code, reason })
  }
  terminate(): void {
    this.is_open = false
  }
  signs_of_life(): number {
    return 0
  }
  ping(): void {}
  pause(): void {}
  resume(): void {}
}

/** A connection without its rules: it hands the next message to the application when the test says so. */
class Side implements SocketEvents {
  readonly inbox: { bytes: number; running?: string } = { bytes: 0 }
  readonly port: SessionPort
  readonly waiting: Payload[] = []
  readonly handled: Payload[] = []
  readonly written: Payload[] = []
  readonly closes: [number, string][] = []
  readonly errors: [string, number][] = []
  readonly resumptions: Resumption[] = []
  readonly in_doubt: Payload[] = []
  times_away = 0
  times_open = 0
  #token = new Uint8Array()
  readonly #platform: FakePlatform & SessionPlatform
  readonly #side: 'client' | 'server'

  constructor(side: 'client' | 'server', platform: FakePlatform & SessionPlatform, resends: boolean) {
    this.#side = side
    this.#platform = platform
    const client: ClientSessionOwner = {
      side: 'client',
      resends,
      token: () => this.#token,
      welcomed: ({ token }, resumption, in_doubt) => {
        this.#token = new Uint8Array(token)
        this.resumptions.push(resumption)
        this.in_doubt.push(...in_doubt)
      },
    }
    const server: ServerSessionOwner = {
      side: 'server',
      away: () => {
        this.times_away += 1
      },
    }
    const owner = side === 'client' ? client : server
    this.port = new SessionPort({ window: WINDOW, close_timeout: 100 }, this, platform, owner)
  }

  /** Writes a message, if the port takes it. */
  write(payload: Payload): boolean {
    if (!this.port.takes_batch || !this.port.is_writable) return false
    const queue = this.#platform.make_queue(this.#side === 'client')
    queue.push(payload, Number.POSITIVE_INFINITY)
    this.written.push(payload)
    this.port.write(queue.take() as Batch)
    return true
  }

  handle(): void {
    const payload = this.waiting.shift()
    if (payload === undefined) return
    this.handled.push(payload)
    this.port.handled()
  }

  close(): true {
    return true
  }
  socket_opened(): void {
    this.times_open += 1
  }
  socket_message(data: Payload): void {
    this.waiting.push(data)
  }
  socket_drained(): void {}
  socket_failed(error: NetError, code: number): void {
    this.errors.push([error.message, code])
    this.port.close(code, '')
  }
  socket_ending(): void {}
  socket_closed(code: number, reason: string): void {
    this.closes.push([code, reason])
  }
}

/** A client and a server, and at most one wire between them. */
class Link {
  readonly platform: FakePlatform & SessionPlatform
  readonly client: Side
  readonly server: Side
  #ends: { readonly client: SessionSocket; readonly server: SessionSocket } | undefined
  is_greeted = false
  readonly #gets_busy: () => boolean

  constructor(
    Kind: new () => FakePlatform & SessionPlatform,
    gets_busy: () => boolean = () => false,
    resends = false,
  ) {
    this.#gets_busy = gets_busy
    this.platform = new Kind()
    this.client = new Side('client', this.platform, resends)
    this.server = new Side('server', this.platform, false)
  }

  get ends(): { readonly client: WireEnd; readonly server: WireEnd } | undefined {
    return (
      this.#ends && { client: this.#ends.client.port as WireEnd, server: this.#ends.server.port as WireEnd }
    )
  }

  connect(): void {
    if (this.#ends !== undefined) return
    const [client, server] = [new SessionSocket(this.client.port), new SessionSocket(this.server.port)]
    client.port = new WireEnd(this.#gets_busy)
    server.port = new WireEnd(this.#gets_busy)
    this.#ends = { client, server }
    this.is_greeted = false
    this.client.port.take(client)
    client.socket_opened()
  }

  /** Delivers one item, whole. */
  deliver(to: 'client' | 'server'): boolean {
    const { ends } = this
    const item = ends?.[to === 'client' ? 'server' : 'client'].outgoing.shift()
    if (item === undefined || this.#ends === undefined) return false
    const socket = this.#ends[to]
    if (typeof item !== 'string' && 'code' in item) {
      this.#ends = undefined
      socket.socket_ending()
      socket.socket_closed(item.code, item.reason)
      const other = to === 'client' ? 'server' : 'client'
      ends?.[other].terminate()
      this.#other_end(socket, other, item.code, item.reason)
    } else if (to === 'server' && !this.is_greeted) {
      const hello = read_control(item as Uint8Array)
      if (hello?.type !== 'hello') throw new Error('the first message is no hello')
      this.is_greeted = true
      this.server.port.take(socket)
      const recovered = hello.token.length > 0
      this.server.port.greeted(hello, { recovered, token: TOKEN, hold_ms: 1, protocol: '' })
    } else socket.socket_message(item, item.length)
    return true
  }

  #other_end(socket: SessionSocket, other: 'client' | 'server', code: number, reason: string): void {
    const session = this[other].port.socket
    if (session !== undefined && session !== socket) session.socket_closed(code, reason)
  }

  cut(): void {
    const ends = this.#ends
    this.#ends = undefined
    ends?.client.socket_closed(1006, '')
    ends?.server.socket_closed(1006, '')
  }

  /** Delivers all there is, and lets both sides handle it. */
  settle(): void {
    this.connect()
    for (let idle = 0; idle < 5; idle += 1) {
      for (const [name, side] of [
        ['client', this.client],
        ['server', this.server],
      ] as const) {
        this.drain(name)
        while (this.deliver(name)) idle = 0
        while (side.waiting.length > 0) side.handle()
      }
      this.platform.clock.advance(200)
    }
  }

  drain(name: 'client' | 'server'): void {
    const end = this.ends?.[name]
    if (end?.is_busy !== true) return
    end.is_busy = false
    this.#ends?.[name].socket_drained()
  }
}

describe.each([
  ['messages', MessagePlatform],
  ['frames', FramePlatform],
])('a session over sockets of %s', (_, Kind) => {
  it(`handles each message once and in order, however sockets end (TEST_SEED=${test_seed})`, () => {
    for (let run = 0; run < RUNS; run += 1) {
      const random = seeded_random(test_seed + run)
      const link = new Link(Kind, () => random() < 0.2)
      const names = ['client', 'server'] as const
      for (let step = 0; step < STEPS; step += 1) {
        const name = names[random() < 0.5 ? 0 : 1] as 'client' | 'server'
        const side = link[name]
        const chance = random()
        link.connect()
        if (chance < 0.05) link.cut()
        else if (chance < 0.35) {
          const text = `${side.written.length} `.padEnd(random() * 200, '.')
          side.write(random() < 0.5 ? text : new Uint8Array(Buffer.from(text)))
        } else if (chance < 0.7) link.deliver(name)
        else if (chance < 0.9) side.handle()
        else if (chance < 0.97) link.drain(name)
        else link.platform.clock.advance(random() * 150)
      }
      link.settle()
      expect(link.server.handled).toEqual(link.client.written)
      expect(link.client.handled).toEqual(link.server.written)
      for (const side of [link.client, link.server]) {
        expect([side.port.unsent, side.port.buffered_bytes, side.errors]).toEqual([0, 0, []])
        expect(side.port.session.sent).toBe(side.written.length)
      }
    }
  })
})

/** Connects a client and a server, and lets them greet each other. */
function make_pair(): Link {
  const link = new Link(MessagePlatform)
  link.connect()
  link.deliver('server')
  link.deliver('client')
  expect([link.client.times_open, link.client.port.takes_batch, link.server.port.takes_batch]).toEqual([
    1,
    true,
    true,
  ])
  return link
}

const shown = (items: WireEnd['outgoing']): unknown[] =>
  items.map(item => (item instanceof Uint8Array ? (read_control(item)?.type ?? 'binary') : item))

describe('a session', () => {
  it('tells that messages are handled 200 ms after the first of them, in one message', () => {
    const link = make_pair()
    const { ends, client, server, platform } = link
    for (let i = 0; i < 10; i += 1) {
      client.write(`${i}`)
      link.deliver('server')
      server.handle()
      platform.clock.advance(19)
    }
    expect(ends?.server.outgoing).toEqual([])
    platform.clock.advance(9)
    expect(ends?.server.outgoing).toEqual([])
    platform.clock.advance(1)
    expect(shown(ends?.server.outgoing ?? [])).toEqual(['ack'])
    expect(client.port.unsent).toBe(10)
    link.deliver('client')
    expect([client.port.unsent, client.port.buffered_bytes]).toEqual([0, 0])
    platform.clock.advance(1_000)
    expect(ends?.server.outgoing).toEqual([])
  })

  it('tells it with the next message that arrives if the timer is late, as in a hidden page', () => {
    const link = make_pair()
    const { ends, client, server, platform } = link
    client.write('one')
    link.deliver('server')
    server.handle()
    platform.clock.hold_up(5_000)
    expect(ends?.server.outgoing).toEqual([])
    client.write('two')
    link.deliver('server')
    expect(shown(ends?.server.outgoing ?? [])).toEqual(['ack'])
  })

  it('tells it at once when a quarter of the window is handled, and stops at a full window', () => {
    const link = make_pair()
    const { client, server } = link
    const ends = link.ends as NonNullable<Link['ends']>
    while (client.write('x'.repeat(100)));
    expect(client.port.buffered_bytes).toBeGreaterThanOrEqual(WINDOW)
    expect(client.port.is_writable).toBe(true)
    let handled = 0
    for (; shown(ends.server.outgoing).length === 0; handled += 1) {
      link.deliver('server')
      server.handle()
    }
    expect(handled).toBe(5)
    link.deliver('client')
    expect(client.port.unsent).toBe(client.written.length - 5)
    expect(client.write('y')).toBe(true)
  })

  it.each<[string, Payload]>([
    ['a binary message of neither kind', Uint8Array.of(2)],
    ['an empty binary message', new Uint8Array()],
    ['a control message that does not exist', Uint8Array.of(0, 9)],
    [
      'a second welcome',
      write_control({
        type: 'welcome',
        recovered: true,
        token: TOKEN,
        received: 0,
        handled: 0,
        window: 1,
        hold_ms: 1,
        protocol: '',
      }),
    ],
    ['a hello', write_control({ type: 'hello', token: TOKEN, received: 0, handled: 0, window: 1 })],
    ['an acknowledgement of what was not sent', write_control({ type: 'ack', handled: 1 })],
    ['an end with what was not sent', write_control({ type: 'end', handled: 1, code: 1000 })],
  ])('closes with 1002 on %s, and ends', (_, item) => {
    const link = make_pair()
    link.ends?.server.outgoing.push(item)
    link.deliver('client')
    expect(link.client.errors).toEqual([[expect.stringMatching(/^closed with 1002: the peer /), 1002]])
    expect(shown(link.ends?.client.outgoing ?? [])).toEqual(['end', { code: 1002, reason: '' }])
    link.deliver('server')
    link.deliver('server')
    expect([link.server.closes, link.server.times_away]).toEqual([[[1002, '']], 0])
  })

  it.each<[string, Payload]>([
    ['a message', 'hello'],
    ['an acknowledgement', write_control({ type: 'ack', handled: 0 })],
    ['an end', write_control({ type: 'end', handled: 0, code: 1000 })],
    [
      'its own hello, as an echo server sends',
      write_control({ type: 'hello', token: new Uint8Array(), received: 0, handled: 0, window: WINDOW }),
    ],
  ])('does not take %s for a welcome', (_, item) => {
    const link = new Link(MessagePlatform)
    link.connect()
    link.ends?.server.outgoing.push(item)
    link.deliver('client')
    expect(link.client.errors).toEqual([[expect.stringMatching(/^closed with 1002: the peer /), 1002]])
    expect(link.client.waiting).toEqual([])
  })

  it('answers pings with one pong, when the socket takes it', () => {
    const link = make_pair()
    const ping = write_control({ type: 'ping' })
    link.ends?.client.outgoing.push(ping, ping)
    if (link.ends !== undefined) link.ends.server.is_busy = true
    link.deliver('server')
    link.deliver('server')
    expect(link.ends?.server.outgoing).toEqual([])
    link.drain('server')
    expect(shown(link.ends?.server.outgoing ?? [])).toEqual(['pong'])
    link.deliver('client')
    expect(link.client.errors).toEqual([])
  })

  it('outlives a Close that no side of it has sent', () => {
    const link = make_pair()
    link.client.write('one')
    link.ends?.client.close(1000, 'a proxy restarts')
    link.deliver('server')
    link.deliver('server')
    expect([link.server.closes, link.server.times_away]).toEqual([[], 1])
    expect(link.client.closes).toEqual([[1006, '']])
    link.settle()
    expect(link.server.handled).toEqual(['one'])
    expect(link.client.times_open).toBe(2)
  })

  it('passes on how a socket ended that never belonged to it', () => {
    const link = new Link(MessagePlatform)
    link.connect()
    link.ends?.server.close(4401, 'sign in first')
    link.deliver('client')
    expect(link.client.closes).toEqual([[4401, 'sign in first']])
  })

  it('ends with the code and reason of the other side, whatever the socket says about it', () => {
    const link = make_pair()
    link.server.port.close(4000, 'bye')
    expect([link.server.port.is_writable, link.server.port.takes_batch]).toEqual([false, false])
    link.deliver('client')
    link.cut()
    expect(link.client.closes).toEqual([[4000, '']])
    expect(link.server.closes).toEqual([[1006, '']])
    const orderly = make_pair()
    orderly.server.port.close(4000, 'bye')
    orderly.deliver('client')
    orderly.deliver('client')
    expect(orderly.client.closes).toEqual([[4000, 'bye']])
  })

  it('is closed behind what the socket has not taken', () => {
    const link = make_pair()
    const end = link.ends?.client as WireEnd
    link.client.write('one')
    end.is_busy = true
    link.client.port.close(1000, 'done')
    expect(shown(end.outgoing)).toEqual(['one'])
    link.drain('client')
    expect(shown(end.outgoing)).toEqual(['one', 'end', { code: 1000, reason: 'done' }])
  })

  it('of a server ends at once if its socket is lost before it took the Close', () => {
    const link = make_pair()
    if (link.ends !== undefined) link.ends.server.is_busy = true
    link.server.port.close(1000, 'done')
    link.cut()
    expect([link.server.closes, link.server.times_away]).toEqual([[[1006, '']], 0])
  })

  it.each(['close', 'terminate'] as const)('of a server ends by %s while it is away', how => {
    const link = make_pair()
    link.cut()
    expect(link.server.times_away).toBe(1)
    if (how === 'close') link.server.port.close(1001, '')
    else link.server.port.terminate()
    expect(link.server.closes).toEqual([])
    link.platform.end_turn()
    expect(link.server.closes).toEqual([[1006, '']])
    expect(link.server.port.is_writable).toBe(false)
  })

  it('takes messages while it is away, on a server, and says nothing of the silence', () => {
    const { client, server } = make_pair()
    expect(client.port.signs_of_life()).toBe(client.port.signs_of_life())
    expect(server.port.signs_of_life()).not.toBe(server.port.signs_of_life())
    const pair = make_pair()
    pair.cut()
    expect([pair.server.port.is_writable, pair.server.port.takes_batch]).toEqual([true, false])
    expect([pair.client.port.is_writable, pair.client.port.takes_batch]).toEqual([false, false])
    expect(pair.server.port.signs_of_life()).not.toBe(pair.server.port.signs_of_life())
  })

  it('belongs to its latest socket: the previous one is ended, and what it delivers has no effect', () => {
    const link = make_pair()
    const { client } = link
    const old = link.ends?.server as WireEnd
    old.outgoing.push('late')
    const socket = new SessionSocket(client.port)
    socket.port = new WireEnd(() => false)
    const previous = client.port.socket as SessionSocket
    client.port.take(socket)
    expect((previous.port as WireEnd).is_open).toBe(false)
    previous.socket_opened()
    previous.socket_message('late', 4)
    previous.socket_drained()
    previous.socket_ending()
    previous.socket_failed(new NetError('protocol_error', 'late'), 1002)
    previous.socket_closed(1006, '')
    expect([client.waiting, client.errors, client.closes]).toEqual([[], [], []])
    expect(client.port.socket).toBe(socket)
  })

  it('ends a socket of a server whose peer has closed it, but does not end it', () => {
    const link = make_pair()
    const socket = link.server.port.socket as SessionSocket
    socket.socket_ending()
    link.platform.clock.advance(99)
    expect(link.ends?.server.is_open).toBe(true)
    link.platform.clock.advance(1_000)
    expect(link.ends?.server.is_open).toBe(false)
  })

  it('of a server leaves no timer behind once its socket has ended after a Close', () => {
    const link = make_pair()
    const socket = link.server.port.socket as SessionSocket
    socket.socket_ending()
    socket.socket_closed(1000, '')
    expect([link.server.times_away, link.platform.clock.timers]).toEqual([1, 0])
  })

  it('does not acknowledge what its hello says already, if that was due while the socket was opening', () => {
    const link = make_pair()
    const { client, platform } = link
    link.server.write('one')
    link.deliver('client')
    link.cut()
    const socket = new SessionSocket(client.port)
    const end = new WireEnd(() => false)
    socket.port = end
    client.port.take(socket)
    client.handle()
    platform.clock.advance(200)
    socket.socket_opened()
    const counts = { received: 0, handled: 0, window: WINDOW }
    const welcome = {
      type: 'welcome',
      recovered: true,
      token: TOKEN,
      ...counts,
      hold_ms: 1,
      protocol: '',
    } as const
    socket.socket_message(write_control(welcome), 1)
    platform.clock.advance(1_000)
    expect(shown(end.outgoing)).toEqual(['hello'])
  })

  it('refuses a client that has forgotten what it has said', () => {
    const link = make_pair()
    link.server.write('one')
    link.deliver('client')
    link.client.handle()
    link.platform.clock.advance(200)
    link.deliver('server')
    expect(link.server.port.unsent).toBe(0)
    const hello = { type: 'hello', token: TOKEN, received: 0, handled: 0, window: 1 } as const
    expect(link.server.port.greeted(hello, { recovered: true, token: TOKEN, hold_ms: 1, protocol: '' })).toBe(
      false,
    )
  })

  it('drops what is in doubt when the server knows nothing of it', () => {
    const link = make_pair()
    link.client.write('one')
    link.cut()
    const socket = new SessionSocket(link.client.port)
    socket.port = new WireEnd(() => false)
    link.client.port.take(socket)
    socket.socket_opened()
    socket.socket_message(
      write_control({
        type: 'welcome',
        recovered: false,
        token: TOKEN,
        received: 0,
        handled: 0,
        window: WINDOW,
        hold_ms: 1,
        protocol: 'chat',
      }),
      1,
    )
    expect(link.client.resumptions.at(-1)).toEqual({ recovered: false, skip: 0, in_doubt: 1 })
    expect(link.client.in_doubt).toEqual(['one'])
    expect([link.client.port.unsent, link.client.port.buffered_bytes]).toEqual([0, 0])
    expect(shown((socket.port as WireEnd).outgoing)).toEqual(['hello'])
  })

  it('counts anew when to acknowledge in a new session', () => {
    const link = make_pair()
    for (let i = 0; i < 60; i += 1) {
      link.server.write('x'.repeat(10))
      link.deliver('client')
    }
    link.cut()
    const socket = new SessionSocket(link.client.port)
    const end = new WireEnd(() => false)
    socket.port = end
    link.client.port.take(socket)
    socket.socket_opened()
    const counts = { received: 0, handled: 0, window: WINDOW }
    const fresh = {
      type: 'welcome',
      recovered: false,
      token: TOKEN,
      ...counts,
      hold_ms: 1,
      protocol: '',
    } as const
    socket.socket_message(write_control(fresh), 1)
    while (link.client.waiting.length > 0) link.client.handle()
    for (let i = 0; i < 5; i += 1) {
      socket.socket_message('x'.repeat(100), 100)
      link.client.handle()
    }
    expect(shown(end.outgoing)).toEqual(['hello', 'ack'])
  })

  /** Lets the client come back to a server that knows nothing of its session. */
  function start_anew(link: Link, recovered = false): WireEnd {
    link.cut()
    const socket = new SessionSocket(link.client.port)
    const end = new WireEnd(() => false)
    socket.port = end
    link.client.port.take(socket)
    socket.socket_opened()
    const counts = { received: 0, handled: 0, window: WINDOW }
    socket.socket_message(
      write_control({ type: 'welcome', recovered, token: TOKEN, ...counts, hold_ms: 1, protocol: '' }),
      1,
    )
    return end
  }

  it('begins with the messages in doubt of the earlier one, if they are to be sent again', () => {
    const link = new Link(MessagePlatform, undefined, true)
    link.connect()
    link.deliver('server')
    link.deliver('client')
    link.client.write('one')
    link.client.write(Uint8Array.of(1))
    const end = start_anew(link)
    expect(link.client.resumptions.at(-1)).toEqual({ recovered: false, skip: 0, in_doubt: 2 })
    expect(link.client.in_doubt).toEqual([])
    expect(shown(end.outgoing)).toEqual(['hello', 'one', 'binary'])
    expect(link.client.port.unsent).toBe(2)
  })

  it('leaves nothing in doubt when the server ends it in order: the next one begins with the rest', () => {
    const link = make_pair()
    link.client.write('one')
    link.client.write('two')
    link.deliver('server')
    link.deliver('server')
    link.server.handle()
    link.server.port.close(1012, 'restart')
    link.deliver('client')
    link.deliver('client')
    expect(link.client.closes).toEqual([[1012, 'restart']])
    const end = start_anew(link)
    expect(link.client.resumptions.at(-1)).toEqual({ recovered: false, skip: 0, in_doubt: 0 })
    expect(shown(end.outgoing)).toEqual(['hello', 'two'])
    expect(read_control(end.outgoing[0] as Uint8Array)).toMatchObject({
      type: 'hello',
      token: new Uint8Array(),
    })
  })

  it('counts the message in a running callback as handled when it ends', () => {
    const link = make_pair()
    link.client.write('last')
    link.deliver('server')
    link.server.inbox.running = 'on_message'
    link.server.port.close(1000, '')
    expect(read_control(link.ends?.server.outgoing[0] as Uint8Array)).toEqual({
      type: 'end',
      handled: 1,
      code: 1000,
    })
  })

  it('does not go on if a server claims to have a session that was not asked for', () => {
    const link = new Link(MessagePlatform)
    link.connect()
    const welcome = { type: 'welcome', recovered: true, token: TOKEN, hold_ms: 1, protocol: '' } as const
    link.ends?.server.outgoing.push(write_control({ ...welcome, received: 0, handled: 0, window: 1 }))
    link.deliver('client')
    expect(link.client.errors).toEqual([[expect.stringMatching(/not valid here: welcome/), 1002]])
  })

  it('has the peer acknowledge at once what it gets, each time something is written while that is wanted', () => {
    const link = make_pair()
    const { client, server, platform } = link
    client.port.request_ack()
    platform.end_turn()
    expect(link.ends?.client.outgoing).toEqual([])
    client.write('one')
    client.write('two')
    platform.end_turn()
    expect(shown(link.ends?.client.outgoing ?? [])).toEqual(['one', 'two', 'ping'])
    for (let i = 0; i < 3; i += 1) link.deliver('server')
    expect(shown(link.ends?.server.outgoing ?? [])).toEqual(['pong'])
    server.handle()
    server.handle()
    expect(shown(link.ends?.server.outgoing ?? [])).toEqual(['pong', 'ack'])
    link.deliver('client')
    link.deliver('client')
    expect(client.port.unsent).toBe(0)
    client.write('three')
    platform.end_turn()
    expect(shown(link.ends?.client.outgoing ?? [])).toEqual(['three'])
  })

  it('of a client asks for a sign of life by a control message, and drops a socket without ending', () => {
    const link = make_pair()
    link.client.port.ping()
    expect(shown(link.ends?.client.outgoing ?? [])).toEqual(['ping'])
    const end = link.ends?.client as WireEnd
    link.client.port.close(1000, '', true)
    expect([end.is_open, link.client.port.session.has_ended]).toEqual([false, false])
    link.cut()
    link.client.closes.length = 0
    link.client.port.terminate()
    link.platform.end_turn()
    expect([link.client.closes, link.client.port.session.has_ended]).toEqual([[[1006, '']], false])
  })

  it('of a server pings a silent peer once, and then drops the socket, but does not end', () => {
    const link = make_pair()
    const end = link.ends?.server as WireEnd
    const ping = vi.spyOn(end, 'ping')
    for (let i = 0; i < 19; i += 1) link.server.port.signs_of_life()
    expect([end.is_open, ping.mock.calls.length]).toEqual([true, 1])
    link.server.port.signs_of_life()
    expect([end.is_open, link.server.port.session.has_ended]).toEqual([false, false])
  })

  it.each([
    [1006, 1001],
    [1012, 1012],
  ])('of a server that is ended by force with %i tells its client %i', (code, told) => {
    const link = make_pair()
    link.server.port.end_session(code)
    link.server.port.terminate()
    expect(read_control(link.ends?.server.outgoing[0] as Uint8Array)).toEqual({
      type: 'end',
      handled: 0,
      code: told,
    })
    link.deliver('client')
    link.cut()
    expect([link.server.times_away, link.client.port.session.has_ended]).toEqual([0, true])
    expect(link.client.closes).toEqual([[told, '']])
  })

  it('of a server that is ended by force says nothing that its socket does not take', () => {
    const link = make_pair()
    const end = link.ends?.server as WireEnd
    end.is_busy = true
    link.server.port.end_session(1012)
    link.server.port.terminate()
    expect(end.outgoing).toEqual([])
    expect([end.is_open, link.server.port.session.has_ended]).toEqual([false, true])
  })

  it('passes on the hint of a Close to come back later', () => {
    const link = make_pair()
    link.ends?.server.close(1012, 'retry_after 3')
    link.deliver('client')
    expect(link.client.closes).toEqual([[1012, 'retry_after 3']])
  })

  it('is closed with 1002 by a flood of pings, but not by as many over a longer time', () => {
    const link = make_pair()
    const flood = (pauses: boolean): void => {
      for (let i = 0; i < 1_100; i += 1) {
        if (pauses) link.platform.clock.advance(2)
        link.ends?.client.outgoing.push(write_control({ type: 'ping' }))
        link.deliver('server')
      }
    }
    flood(true)
    expect(link.server.errors).toEqual([])
    flood(false)
    expect(link.server.errors[0]).toEqual([
      'closed with 1002: the peer sent 1024 pings and pongs within a second',
      1002,
    ])
  })
})
