import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type DirectWebSocket, direct_web_socket, type WsListener } from '../../src/node/index.js'

const TestedWebSocket = direct_web_socket(WebSocket)

/** One that does not connect: nobody listens at port 0. */
function make(): { ws: DirectWebSocket; told: unknown[][] } {
  const ws = new TestedWebSocket(new URL('ws://127.0.0.1:0'), [], {})
  const told: unknown[][] = []
  const note =
    (name: string) =>
    (...values: unknown[]): void => {
      told.push([name, ...values])
    }
  ws.listener = {
    ws_opened: note('opened'),
    ws_message: note('message'),
    ws_closing: note('closing'),
    ws_pinged: note('pinged'),
    ws_ponged: note('ponged'),
    ws_failed: note('failed'),
    ws_closed: note('closed'),
  } satisfies WsListener
  return { ws, told }
}

test('a DirectWebSocket tells its listener what would be emitted, and nobody else', () => {
  const { ws, told } = make()
  const bytes = Buffer.from('x')
  const error = new Error('broken')
  ws.on('message', () => told.push(['emitted']))
  ws.emit('open')
  ws.emit('message', bytes, false)
  ws.emit('ping', bytes)
  ws.emit('pong', bytes)
  ws.emit('error', error)
  ws.emit('close', 1000, bytes)
  expect(told).toEqual([
    ['opened'],
    ['message', bytes, false],
    ['pinged', bytes],
    ['ponged'],
    ['failed', error],
    ['closed', 1000, bytes],
  ])
})

test('it emits what is no concern of its listener', () => {
  const { ws, told } = make()
  ws.once('redirect', (...values) => told.push(['redirect', ...values]))
  expect(ws.emit('redirect', 'ws://elsewhere', 1)).toBe(true)
  expect(told).toEqual([['redirect', 'ws://elsewhere', 1]])
})

test('it emits everything while it has no listener', () => {
  const { ws, told } = make()
  ws.listener = undefined
  ws.on('error', error => told.push(['emitted', error.message]))
  ws.once('message', (...values) => told.push(values))
  ws.emit('message', 'bytes', true)
  expect(told).toEqual([['bytes', true]])
})
