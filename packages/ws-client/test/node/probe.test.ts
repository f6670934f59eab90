import { once } from 'node:events'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { connect, type NetError, probe } from '../../src/index.js'
import { start_ws_server, stop_all } from '../echo_server.js'

afterEach(stop_all)

const PING_PONG = probe({ send: 'ping', expect: 'pong' })

/** Starts a plain server; resolves with its URL, and with the next client's socket. */
async function start_server(on_socket: (ws: WebSocket) => void = () => {}): Promise<{
  readonly url: string
  readonly accepted: Promise<WebSocket>
}> {
  const { promise: accepted, resolve } = deferred<WebSocket>()
  const { url } = await start_ws_server(ws => {
    on_socket(ws)
    resolve(ws)
  })
  return { url, accepted }
}

describe('a client with a probe', () => {
  it('asks a plain server by messages instead of pings, and stays open while it answers', async () => {
    let pings = 0
    const { url, accepted } = await start_server(ws => {
      ws.on('ping', () => (pings += 1))
      ws.on('message', data => ws.send(String(data) === 'ping' ? 'pong' : 'what?'))
    })
    const received: string[] = []
    const ws = connect({
      type: 'ws',
      url,
      heartbeat: 100,
      probe: PING_PONG,
      on_message: data => void received.push(data),
    })
    const socket = await accepted
    for (let questions = 0; questions < 5; questions += 1) await once(socket, 'message')
    ws.send('news?')
    while (received.length === 0) await once(socket, 'message').then(() => ws.drained())
    expect([ws.state, pings, received]).toEqual(['open', 0, ['what?']])
    ws.close()
    await ws.closed
  })

  it('gives up a server that answers pings, but not messages', async () => {
    const { url } = await start_server()
    const errors: NetError[] = []
    const ws = connect({
      type: 'ws',
      url,
      heartbeat: 50,
      probe: PING_PONG,
      on_error: error => void errors.push(error),
    })
    expect(await ws.closed).toMatchObject({ cause: 'heartbeat', unsent: 0 })
    expect(errors).toMatchObject([{ code: 'connection_lost' }])
  })

  it('answers the questions of a server, and yields only its other messages', async () => {
    const answers: string[] = []
    const { url } = await start_server(ws => {
      for (const data of ['2', 'news', '2']) ws.send(data)
      ws.on('message', data => {
        if (answers.push(String(data)) === 2) ws.close(1000)
      })
    })
    const ws = connect({ type: 'ws', url, probe: probe({ receive: '2', reply: '3' }) })
    const received: string[] = []
    for await (const data of ws) received.push(data)
    expect([answers, received]).toEqual([['3', '3'], ['news']])
  })

  it('asks anew on each connection, and keeps nothing of the last one', async () => {
    const sockets: WebSocket[] = []
    const { promise: came_back, resolve } = deferred()
    const { url } = await start_server(ws => {
      sockets.push(ws)
      if (sockets.length === 2)
        ws.on('message', data => {
          ws.send(String(data) === 'ping' ? 'pong' : 'what?')
          resolve()
        })
    })
    const ws = connect({
      type: 'ws',
      url,
      heartbeat: 100,
      probe: PING_PONG,
      reconnect: { max_delay: 1 },
      on_error: () => {},
    })
    await came_back
    expect([ws.state, sockets.length]).toEqual(['open', 2])
    ws.close()
    await ws.closed
  })
})
