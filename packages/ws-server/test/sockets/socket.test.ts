import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { CloseInfo, WsSocket } from '../../src/index.js'
import { connect_client, start_open, stop_all } from '../started_server.js'

afterEach(stop_all)

describe('a socket', () => {
  it('has an address, a type, a unique id, and the request of its handshake', async () => {
    const server = await start_open()
    await connect_client(server, '/ws?room=1&room=2', {
      headers: { 'X-Thing': 'yes' },
      origin: 'http://127.0.0.1',
    })
    await connect_client(server)
    const [first, second] = server.sockets as unknown as [WsSocket, WsSocket]
    expect(first.addr).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(first.type).toBe('ws')
    expect(first.id).toBe(first.id)
    expect(first.id).not.toBe(second.id)
    expect(first.request).toMatchObject({ path: '/ws', origin: 'http://127.0.0.1', protocol: '' })
    expect(first.request.query.getAll('room')).toEqual(['1', '2'])
    expect(first.request.headers['x-thing']).toBe('yes')
    expect(second.request.origin).toBeUndefined()
  })

  it('sends text and bytes, by send and by write', async () => {
    const server = await start_open({
      on_connect: socket => {
        expect(socket.send('text')).toBe(true)
        expect(socket.write(new Uint8Array([1, 2]))).toBe(true)
      },
    })
    const ws = new WebSocket(`ws://${server.addr}/ws`)
    const received: unknown[] = []
    ws.on('message', (data, is_binary) => received.push(is_binary ? [...(data as Buffer)] : String(data)))
    await once(ws, 'message')
    const [socket] = server.sockets
    await socket?.drained()
    expect(socket?.queued).toBe(0)
    socket?.close()
    await once(ws, 'close')
    expect(received).toEqual(['text', [1, 2]])
  })

  it('has a closed that settles when on_close, though async, is done', async () => {
    const received: string[] = []
    const server = await start_open({
      on_close: async () => {
        await Promise.resolve()
        received.push('on_close')
      },
    })
    const ws = await connect_client(server)
    const [socket] = server.sockets
    ws.close(4000)
    const info = (await socket?.closed) as CloseInfo
    expect(received).toEqual(['on_close'])
    expect(info).toEqual({ code: 4000, reason: '', cause: 'peer', clean: true, unsent: 0 })
    expect(socket?.send('late')).toMatchObject({ code: 'closed' })
    expect(server.sockets.size).toBe(0)
  })
})
