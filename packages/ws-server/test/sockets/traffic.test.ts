import { afterEach, describe, expect, it } from 'vitest'
import { Traffic } from '../../src/sockets/traffic.js'
import { connect_client, start_open, stop_all } from '../started_server.js'

afterEach(stop_all)

describe('traffic', () => {
  it('counts the bytes of open sockets and of those that have ended, each once', () => {
    const traffic = new Traffic()
    expect(traffic.stats([])).toEqual({ received_bytes: 0, sent_bytes: 0 })
    const open = { bytesRead: 1, bytesWritten: 2 }
    const ending = { bytesRead: 10, bytesWritten: 200 }
    expect(traffic.stats([open, ending])).toEqual({ received_bytes: 11, sent_bytes: 202 })
    traffic.ended(ending)
    expect(traffic.stats([open])).toEqual({ received_bytes: 11, sent_bytes: 202 })
    open.bytesRead = 4
    expect(traffic.stats([open])).toEqual({ received_bytes: 14, sent_bytes: 202 })
  })
})

describe('stats', () => {
  it('counts the bytes of frames and handshakes', async () => {
    const server = await start_open({ on_message: (socket, data) => socket.send(data) })
    const ws = await connect_client(server)
    const before = server.stats()
    expect(before.received_bytes).toBeGreaterThan(100)
    expect(before.sent_bytes).toBeGreaterThan(100)
    const echoed = new Promise(resolve => ws.once('message', resolve))
    ws.send('x'.repeat(1_000))
    await echoed
    const after = server.stats()
    // RFC 6455 §5.2: 2 bytes and an extended length of 2 more; a client's frames have 4 for the mask.
    expect(after.received_bytes - before.received_bytes).toBe(1_008)
    expect(after.sent_bytes - before.sent_bytes).toBe(1_004)
  })

  it('counts the bytes of ended sockets like those of open ones', async () => {
    const server = await start_open({ on_message: (socket, data) => socket.send(data) })
    const ws = await connect_client(server)
    const [socket] = server.sockets
    const echoed = new Promise(resolve => ws.once('message', resolve))
    ws.send('x'.repeat(1_000))
    await echoed
    const { received_bytes, sent_bytes } = server.stats()
    ws.terminate()
    await socket?.closed
    expect(server.stats()).toMatchObject({ sockets: 0, received_bytes, sent_bytes })
  })

  it('counts ended sockets by cause', async () => {
    const server = await start_open()
    const closing = await connect_client(server)
    const vanishing = await connect_client(server)
    const staying = await connect_client(server)
    const [first, second, third] = server.sockets
    closing.close()
    vanishing.terminate()
    await Promise.all([first?.closed, second?.closed])
    expect(server.stats()).toMatchObject({
      sockets: 1,
      closed: { peer: 1, network: 1, local: 0, shutdown: 0 },
    })
    third?.close()
    await third?.closed
    expect(server.stats().closed).toMatchObject({ peer: 1, network: 1, local: 1 })
    staying.terminate()
  })
})
