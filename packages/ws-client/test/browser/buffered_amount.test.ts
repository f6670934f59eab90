import type { MessageBatch, SocketSink } from '@bt/ws-protocol'
import { MessageQueue } from '@bt/ws-protocol'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
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

beforeEach(() => {
  vi.useFakeTimers()
  socket = new PlayedWebSocket()
  told = []
  const sink: SocketSink = {
    socket_opened: () => told.push('opened'),
    socket_message: data =>
      told.push(`message ${typeof data === 'string' ? data : `of ${data.length} bytes`}`),
    socket_drained: () => told.push(`drained to ${port.unsent}`),
    socket_failed: () => told.push('failed'),
    socket_ending: () => {},
    socket_closed: (code, _reason, error) => told.push(`closed ${code} ${error?.message ?? ''}`),
  }
  port = new WebSocketPort(socket as unknown as WebSocket, { url: 'ws://host/', max_payload: 1_000 }, sink)
})

afterEach(() => {
  vi.useRealTimers()
})

function write(...payloads: string[]): void {
  const queue = new MessageQueue()
  for (const payload of payloads) queue.push(payload, payload.length, payload.length + 6)
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

it('looks less and less often while nothing moves, every 64 ms at last, and often again once it does', () => {
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

it('looks when a message arrives, without waiting for a timer', () => {
  write('a'.repeat(10))
  socket.onmessage?.({ data: 'first' })
  socket.bufferedAmount = 0
  socket.onmessage?.({ data: new ArrayBuffer(3) })
  expect(told).toEqual(['message first', 'drained to 0', 'message of 3 bytes'])
})

it('has nothing under way where the platform takes everything at once', () => {
  socket.send = () => {}
  write('a', '')
  expect([port.unsent, port.buffered_bytes, vi.getTimerCount()]).toEqual([0, 0, 0])
})

it('counts exactly what was left where the platform keeps the count after the connection is lost', () => {
  write('a'.repeat(10))
  write('b'.repeat(10))
  socket.bufferedAmount = 10
  socket.onclose?.({ code: 1006, reason: '' })
  expect([port.unsent, vi.getTimerCount()]).toEqual([1, 0])
})

it('counts what was last seen where the platform drops the count', () => {
  write('a'.repeat(10))
  socket.bufferedAmount = 0
  socket.onclose?.({ code: 1006, reason: '' })
  expect(port.unsent).toBe(1)
})

it('ends as 1006 what a platform closes with 0, and says why where the platform does', () => {
  socket.onerror?.({ message: 'tcp connect error' })
  socket.onclose?.({ code: 0, reason: '' })
  expect(told).toEqual(['closed 1006 connect: ws://host/ did not open a WebSocket: tcp connect error'])
})

it('says that a browser does not say why', () => {
  socket.onerror?.({})
  socket.onclose?.({ code: 1006, reason: '' })
  expect(told).toEqual([expect.stringMatching(/did not open a WebSocket: a browser does not say why/)])
})
