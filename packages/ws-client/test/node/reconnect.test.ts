import { once } from 'node:events'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { deferred } from '@bt/test-support/deferred'
import { frame_bytes } from '@bt/test-support/frames'
import { answer_to } from '@bt/test-support/handshake'
import { afterEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/index.js'
import { start_raw_server, stop_all } from '../echo_server.js'

afterEach(stop_all)

/** More large messages than the buffers of two sockets hold. */
const MANY = 800
const reconnect = { min_delay: 1, max_delay: 1 }

/** Accepts a handshake (RFC 6455 §4.2.2), and sends a message along with the answer. */
async function accept(socket: Socket, text = ''): Promise<void> {
  const [request] = await once(socket, 'data')
  const answer = Buffer.from(answer_to(String(request)))
  socket.write(Buffer.concat([answer, text === '' ? Buffer.alloc(0) : frame(text)]))
}

/** A frame of a server with text. */
function frame(text: string): Buffer {
  return frame_bytes({ first: 0x81, payload: Buffer.from(text) })
}

/** A server on bare sockets, and each next socket that it gets. */
async function start_server(): Promise<{ url: string; next: () => Promise<Socket> }> {
  const come: Socket[] = []
  let arrived = (): void => {}
  const { url } = await start_raw_server(socket => {
    come.push(socket)
    arrived()
  })
  const next = async (): Promise<Socket> => {
    while (come.length === 0) await new Promise<void>(resolve => (arrived = resolve))
    return come.shift() as Socket
  }
  return { url, next }
}

function many_frames(text: string): Buffer {
  return Buffer.concat(Array<Buffer>(MANY).fill(frame(text.repeat(60_000))))
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
}

function be_busy(ms: number): void {
  const until_ms = performance.now() + ms
  while (performance.now() < until_ms);
}

describe('a client that reconnects', () => {
  it('handles all messages of the previous connection while the next one opens, and after that', async () => {
    const { url, next } = await start_server()
    const { promise: opened, resolve: open } = deferred()
    const all = deferred()
    const heard: string[] = []
    const on_message = async (data: string): Promise<void> => {
      heard.push(data)
      if (heard.length === 601) all.resolve()
      if (heard.length === 1) await opened
      be_busy(0.1)
      if (heard.length === 300) await accept(second)
    }
    const ws = connect({ type: 'ws', url, reconnect, on_message, on_error: () => {} })
    const first = await next()
    await accept(first)
    const sent = Array.from({ length: 600 }, (_, index) => `message ${index}`)
    first.end(Buffer.concat(sent.map(frame)))
    const second = await next()
    open()
    while (ws.state !== 'open') await turns(1)
    second.write(frame('second'))
    await all.promise
    expect(heard).toEqual([...sent, 'second'])
    ws.close()
  })

  it('reads no more of the next connection than of the previous one while too many messages wait', async () => {
    const { url, next } = await start_server()
    const { promise: opened, resolve: open } = deferred()
    const all = deferred()
    const heard: string[] = []
    const on_message = (data: string): Promise<void> => {
      heard.push(data.slice(0, 1))
      if (heard.filter(from => from === '2').length === MANY + 1) all.resolve()
      return opened
    }
    const ws = connect({ type: 'ws', url, reconnect, on_message, on_error: () => {} })
    const first = await next()
    await accept(first)
    first.write(many_frames('1'))
    await turns(1_000)
    first.resetAndDestroy()
    // A socket that is not read is found to be lost when it is written to.
    let second: Socket | undefined
    const come = next().then(socket => (second = socket))
    while (second === undefined) {
      ws.send('?')
      await turns(1)
    }
    await accept(await come, '2 along with the answer')
    while (ws.state !== 'open') await turns(1)
    let is_read = false
    second.write(many_frames('2'), () => (is_read = true))
    await turns(1_000)
    expect(is_read).toBe(false)
    expect(heard).toEqual(['1'])
    open()
    await all.promise
    expect(heard.slice(heard.indexOf('2'))).toEqual(Array(MANY + 1).fill('2'))
    ws.close()
  })
})
