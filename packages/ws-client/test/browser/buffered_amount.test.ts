import { probe } from '@bt/ws-protocol'
import type { MessageBatch, SocketEvents } from '@bt/ws-protocol/internal'
import { MessageQueue } from '@bt/ws-protocol/internal'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocketPort } from '../../src/browser/web_socket_port.js'

/** The WebSocket of a platform, whose network the test plays. */
class PlayedWebSocket {
  readonly readyState = 1
  binaryType = ''
  bufferedAmount = 0
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onerror: ((event: { message?: string }) => void) | null = null
  send(data: string | Uint8Array): void {
    this.bufferedAmount += data.length
  }
  close(): void {}
}

let socket: PlayedWebSocket
let told: string[]
let port: WebSocketPort
let sink_of_port: SocketEvents

beforeEach(() => {
  vi.useFakeTimers()
  socket = new PlayedWebSocket()
  told = []
  const sink: SocketEvents = {
    inbox: { bytes: 0 },
    shed: () => false,
    close: () => true,
    socket_opened: () => told.push('opened'),
    socket_message: data =>
      told.push(`message ${typeof data === 'string' ? data : `of ${data.length} bytes`}`),
    socket_drained: () => told.push(`drained to ${port.unsent}`),
    socket_failed: () => told.push('failed'),
    socket_ending: () => {},
    socket_closed: (code, _reason, error) => told.push(`closed ${code} ${error?.message ?? ''}`),
  }
  sink_of_port = sink
  port = port_to('ws://host/')
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function port_to(url: string): WebSocketPort {
  return new WebSocketPort(socket as unknown as WebSocket, { url, max_payload: 1_000 }, sink_of_port)
}

function write(...payloads: string[]): void {
  const queue = new MessageQueue(true)
  for (const payload of payloads) queue.push(payload, payload.length + 6)
  port.write(queue.take() as MessageBatch)
}

it('counts what the network has not taken, with headers, batch by batch', () => {
  write('a'.repeat(10), 'b'.repeat(10))
  write('c'.repeat(10))
  expect([port.unsent, port.buffered_bytes]).toEqual([3, 30 + 3 * 6])
  socket.bufferedAmount = 15
  vi.advanceTimersByTime(1)
  expect([port.unsent, told]).toEqual([3, ['drained to 3']])
  socket.bufferedAmount = 10
  vi.advanceTimersByTime(1)
  expect([port.unsent, port.buffered_bytes]).toEqual([1, 16])
  socket.bufferedAmount = 0
  vi.advanceTimersByTime(1)
  expect([port.unsent, told.at(-1), vi.getTimerCount()]).toEqual([0, 'drained to 0', 0])
})

it('polls less often while nothing changes, up to every 64 ms, and often again after a change', () => {
  write('a'.repeat(10))
  vi.advanceTimersByTime(1 + 2 + 4 + 8 + 16 + 32 + 64)
  socket.bufferedAmount = 5
  vi.advanceTimersByTime(63)
  expect(told).toEqual([])
  vi.advanceTimersByTime(1)
  expect(told).toEqual(['drained to 1'])
  socket.bufferedAmount = 0
  vi.advanceTimersByTime(1)
  expect(told).toEqual(['drained to 1', 'drained to 0'])
})

it('polls when a message arrives, without waiting for the timer', () => {
  write('a'.repeat(10))
  socket.onmessage?.({ data: 'first' })
  socket.bufferedAmount = 0
  socket.onmessage?.({ data: new ArrayBuffer(3) })
  expect(told).toEqual(['message first', 'drained to 0', 'message of 3 bytes'])
})

it('has nothing unsent if the platform takes everything at once', () => {
  socket.send = () => {}
  write('a', '')
  expect([port.unsent, port.buffered_bytes, vi.getTimerCount()]).toEqual([0, 0, 0])
})

it('counts unsent messages exactly if the platform keeps the count after the connection is lost', () => {
  write('a'.repeat(10))
  write('b'.repeat(10))
  socket.bufferedAmount = 10
  socket.onclose?.({ code: 1006, reason: '' })
  expect([port.unsent, vi.getTimerCount()]).toEqual([1, 0])
})

it('uses the last known count if the platform resets it', () => {
  write('a'.repeat(10))
  socket.bufferedAmount = 0
  socket.onclose?.({ code: 1006, reason: '' })
  expect(port.unsent).toBe(1)
})

it('ends with 1006 if a platform closes with 0, and shows the reason that the platform reports', () => {
  socket.onerror?.({ message: 'tcp connect error' })
  socket.onclose?.({ code: 0, reason: '' })
  expect(told).toEqual(['closed 1006 connect: ws://host/ did not open a WebSocket: tcp connect error'])
})

it('refers to the console of the browser for the reason', () => {
  socket.onerror?.({})
  socket.onclose?.({ code: 1006, reason: '' })
  expect(told).toEqual([expect.stringMatching(/did not open a WebSocket: see the console/)])
})

describe('signs of life', () => {
  const alive = (port: WebSocketPort): boolean => {
    const before = port.signs_of_life()
    return port.signs_of_life() !== before
  }

  it('continue while the peer is silent, because a page can’t send pings', () => {
    expect(alive(port)).toBe(true)
  })

  it('stop with a probe while the peer is silent', () => {
    const asking = probe({ send: 'ping', expect: 'pong' })
    const before = port.signs_of_life(asking)
    expect(port.signs_of_life(asking)).toBe(before)
    socket.onmessage?.({ data: 'a' })
    expect(port.signs_of_life(asking)).not.toBe(before)
  })

  it('stop with a probe although the system takes each question', () => {
    const asking = probe({ send: 'ping', expect: 'pong' })
    const before = port.signs_of_life(asking)
    for (let questions = 0; questions < 3; questions += 1) {
      write('ping')
      socket.bufferedAmount = 0
      vi.advanceTimersByTime(1_000)
      expect(port.signs_of_life(asking)).toBe(before)
    }
  })

  it.each([undefined, {}, { onLine: true }])(
    'are there where the platform says of its network: %j',
    navigator => {
      vi.stubGlobal('navigator', navigator)
      expect(alive(port)).toBe(true)
    },
  )

  it('stop while there is no network', () => {
    vi.stubGlobal('navigator', { onLine: false })
    expect(alive(port)).toBe(false)
    vi.stubGlobal('navigator', { onLine: true })
    expect(alive(port)).toBe(true)
  })

  it.each([
    ['ws://localhost:81/', true],
    ['ws://app.localhost/', true],
    ['wss://127.0.0.1/', true],
    ['ws://127.1.2.3/', true],
    ['ws://[::1]:81/', true],
    ['ws://localhost.example/', false],
    ['ws://mylocalhost/', false],
    ['ws://128.0.0.1/', false],
    ['ws://[::2]/', false],
    ['ws://192.168.0.1/', false],
  ])('without any network, of %s: %s', (url, is_alive) => {
    vi.stubGlobal('navigator', { onLine: false })
    expect(alive(port_to(url))).toBe(is_alive)
  })

  it('stop while sent data is stuck, except when some of it is taken', () => {
    write('a'.repeat(10))
    expect(alive(port)).toBe(false)
    const before = port.signs_of_life()
    vi.advanceTimersByTime(1_000)
    expect(port.signs_of_life()).toBe(before)
    socket.bufferedAmount = 5
    vi.advanceTimersByTime(1_000)
    expect(port.signs_of_life()).not.toBe(before)
    expect(alive(port)).toBe(false)
    socket.bufferedAmount = 0
    vi.advanceTimersByTime(1_000)
    expect(alive(port)).toBe(true)
  })

  it('include the messages of the peer', () => {
    write('a'.repeat(10))
    const before = port.signs_of_life()
    socket.onmessage?.({ data: 'b' })
    expect(port.signs_of_life()).not.toBe(before)
    expect(alive(port)).toBe(false)
  })
})

it('ignores ping and pause, because a page can do neither', () => {
  port.ping()
  port.pause()
  port.resume()
  socket.onmessage?.({ data: 'a' })
  expect(told).toEqual(['message a'])
})
