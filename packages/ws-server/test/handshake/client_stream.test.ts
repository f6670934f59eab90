import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { address_of } from '../../src/handshake/client_stream.js'

describe('address_of', () => {
  const left_open: Socket[] = []

  afterEach(() => {
    for (const socket of left_open.splice(0)) socket.destroy()
  })

  async function accepted(): Promise<{ stream: Socket; peer: Socket }> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const peer = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [stream] = (await once(server, 'connection')) as [Socket]
    server.close()
    left_open.push(stream, peer)
    return { stream, peer }
  }

  it('returns the address of a client, and leaves no copy of it at the socket', async () => {
    const { stream, peer } = await accepted()
    const address = { ip: '127.0.0.1', port: (peer.address() as AddressInfo).port }
    expect(address_of(stream)).toEqual(address)
    expect(address_of(stream)).toEqual(address)
    stream.destroy()
    await once(stream, 'close')
    expect(stream.remoteAddress).toBeUndefined()
  })

  it('keeps the cached address of an app that has read it before', async () => {
    const { stream } = await accepted()
    const { remoteAddress, remotePort } = stream
    address_of(stream)
    stream.destroy()
    await once(stream, 'close')
    expect(address_of(stream)).toEqual({ ip: remoteAddress, port: remotePort })
  })

  it('returns nothing for a stream without an address', () => {
    expect(address_of(new PassThrough())).toBeUndefined()
  })
})
