import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { deferred } from '@bt/test-support/deferred'
import { afterAll, describe, expect, it } from 'vitest'
import { OpenedSockets } from '../src/opened_sockets.js'

const server = createServer().listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
afterAll(() => server.close())

/** Connects in a later turn, like a client that looks up a name first. */
async function open(): Promise<Socket> {
  await new Promise(resolve => setImmediate(resolve))
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

describe('the sockets that a task opens', () => {
  it('are destroyed on request, and other sockets stay open', async () => {
    const sockets = new OpenedSockets()
    const { promise: held, resolve: release } = deferred()
    let mine!: Socket
    const task = sockets.track(async () => {
      mine = await open()
      sockets.destroy()
      await held
    })
    const [other] = await Promise.all([open(), once(server, 'connection')])
    await once(mine, 'close')
    expect([mine.destroyed, other.destroyed]).toEqual([true, false])
    release()
    await task
    other.destroy()
  })

  it('are destroyed if they are opened after that', async () => {
    const sockets = new OpenedSockets()
    sockets.destroy()
    await sockets.track(async () => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'close')
      expect(socket.destroyed).toBe(true)
    })
  })

  it('stay open once the task is done', async () => {
    const sockets = new OpenedSockets()
    const socket = await sockets.track(open)
    sockets.destroy()
    expect(socket.destroyed).toBe(false)
    socket.destroy()
  })
})
