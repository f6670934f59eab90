import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { HandshakeServer } from '../src/handshake_server.js'
import type { UpgradeRequest } from '../src/handshake_text.js'
import { deferred } from './deferred.js'
import { handshake_lines, masked_frame, RawClient } from './raw_client.js'
import { start_open, stop_all } from './started_server.js'

const WHOLE = `${Object.values(handshake_lines()).join('\r\n')}\r\n\r\n`
const servers: Server[] = []

/** Makes a server listen at a free port; returns its address. */
async function listening(server: Server): Promise<string> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

afterEach(async () => {
  await stop_all()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** What a server makes of a request: the upgrade that it tells of, or nothing, where it does not take it for one. */
function upgrade_of(server: Server, addr: string, text: string): Promise<object | undefined> {
  const told = deferred<object | undefined>()
  const client = new RawClient(addr)
  const tell = ({ method, httpVersion, url, headers }: UpgradeRequest, stream: Socket, head: Buffer) => {
    told.resolve({ method, httpVersion, url, headers, head: head.toString('latin1') })
    stream.destroy()
  }
  server.once('upgrade', tell)
  client.socket.on('close', () => {
    server.off('upgrade', tell)
    told.resolve(undefined)
  })
  client.socket.end(Buffer.from(text, 'latin1'))
  return told.promise
}

/** Other texts like a handshake, the same ones every time. */
function* variants(count: number): Iterable<string> {
  const pieces = [
    '\r\n',
    '\n',
    '\r',
    ' ',
    '\t',
    ':',
    ',',
    'X',
    'x: y\r\n',
    'Upgrade',
    '\0',
    '\x7f',
    '\xe9',
    '\xa0',
    '?',
    '#',
    '',
  ]
  let seed = 1
  const below = (limit: number): number => {
    seed = (seed * 48_271) % 0x7fffffff
    return seed % limit
  }
  for (let index = 0; index < count; index += 1) {
    const at = below(WHOLE.length)
    yield WHOLE.slice(0, at) + (pieces[below(pieces.length)] as string) + WHOLE.slice(at + below(3))
  }
}

describe('HandshakeServer', () => {
  it("finds in a handshake what Node's parser finds in it, or nothing", async () => {
    const [quick, plain] = [new HandshakeServer({}, () => {}), createServer()]
    const [quick_addr, plain_addr] = [await listening(quick), await listening(plain)]
    for (const text of [WHOLE, `${WHOLE}and more`, ...variants(300)]) {
      const found = await upgrade_of(quick, quick_addr, text)
      expect(found, JSON.stringify(text)).toEqual(await upgrade_of(plain, plain_addr, text))
    }
  })

  it('leaves to Node whoever does not send a whole handshake at once', async () => {
    const accepted: Socket[] = []
    const server = new HandshakeServer({}, stream => accepted.push(stream))
    const left_to_node: Socket[] = []
    server.on('connection', stream => left_to_node.push(stream))
    const addr = await listening(server)
    const at_once = new RawClient(addr)
    at_once.send(WHOLE)
    await once(server, 'upgrade')
    expect([accepted.length, left_to_node.length]).toEqual([1, 0])
    const in_parts = new RawClient(addr)
    const handed_on = once(server, 'connection')
    in_parts.send(WHOLE.slice(0, 20))
    await handed_on
    in_parts.send(WHOLE.slice(20))
    const [request] = (await once(server, 'upgrade')) as [IncomingMessage]
    expect(request.headers['sec-websocket-version']).toBe('13')
    expect(left_to_node).toEqual([accepted[1]])
    for (const stream of accepted) stream.destroy()
  })

  it('answers whoever asks for a page', async () => {
    const server = new HandshakeServer({}, () => {})
    server.on('request', (request, response) => response.end(`page ${request.url}`))
    const addr = await listening(server)
    const answer = await fetch(`http://${addr}/a`)
    expect(await answer.text()).toBe('page /a')
  })

  it('ends with whoever ends without having asked for anything', async () => {
    const server = new HandshakeServer({}, () => {})
    const addr = await listening(server)
    const client = new RawClient(addr)
    client.socket.end()
    expect(await client.until_ended()).toBe('')
  })

  it('lives on when a client is reset that has not asked for anything', async () => {
    const accepted = deferred<Socket>()
    const server = new HandshakeServer({}, accepted.resolve)
    const addr = await listening(server)
    const client = connect(Number(addr.split(':')[1]), '127.0.0.1')
    const stream = await accepted.promise
    const closed = new Promise(resolve => stream.on('close', resolve))
    client.resetAndDestroy()
    await closed
    expect(stream.errored).toMatchObject({ code: 'ECONNRESET' })
  })

  it('leaves on the socket of an upgrade no listener of its own', async () => {
    const server = new HandshakeServer({}, () => {})
    const addr = await listening(server)
    const client = new RawClient(addr)
    client.send(WHOLE)
    const [, stream] = (await once(server, 'upgrade')) as [UpgradeRequest, Socket]
    for (const event of ['data', 'error', 'close', 'pause', 'resume'])
      expect(stream.listenerCount(event)).toBe(0)
    expect(stream.listenerCount('end')).toBe(1)
    stream.destroy()
  })
})

describe('a server', () => {
  it.each([0, 1, 20, WHOLE.length - 1])(
    'reads what comes with a handshake whose first part has %i bytes',
    async first => {
      const received = deferred<string>()
      const server = await start_open({ on_message: (_socket, data) => received.resolve(data) })
      const client = new RawClient(server.addr)
      client.socket.setNoDelay()
      if (first > 0) {
        client.send(WHOLE.slice(0, first))
        await new Promise(setImmediate)
      }
      client.send(Buffer.concat([Buffer.from(WHOLE.slice(first)), masked_frame(0x81, Buffer.from('early'))]))
      expect(await received.promise).toBe('early')
      client.socket.destroy()
    },
  )

  it('closes though clients are connected that have not asked for anything', async () => {
    const server = await start_open()
    const clients = [new RawClient(server.addr), new RawClient(server.addr)]
    clients[1]?.send('GET')
    // By then, those before it were accepted.
    const last = await RawClient.upgraded(server.addr)
    last.socket.destroy()
    server.close()
    await server.closed
    for (const client of clients) expect(await client.until_ended()).toBe('')
  })
})
