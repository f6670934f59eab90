import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { listen, type WsListenOptions, type WsServer } from '../../src/index.js'
import { handshake_lines, masked_frame } from '../raw_client.js'

/** One end of a connection in memory, which passes on the very buffers that it is given. */
class MemoryEnd extends Duplex {
  #other: MemoryEnd | undefined

  /** Makes both ends. */
  static pair(): [MemoryEnd, MemoryEnd] {
    const [one, other] = [new MemoryEnd(), new MemoryEnd()]
    one.#other = other
    other.#other = one
    return [one, other]
  }

  override _read(): void {}

  override _write(part: Buffer, _encoding: string, done: () => void): void {
    this.#other?.push(part)
    done()
  }

  override _final(done: () => void): void {
    this.#other?.push(null)
    done()
  }
}

let http: Server
const mounted: WsServer[] = []

function share(options: Partial<WsListenOptions> = {}): WsServer {
  http = createServer((_request, response) => response.end('page'))
  const server = listen({ type: 'ws', server: http, close_timeout: 50, on_error: () => {}, ...options })
  mounted.push(server)
  return server
}

/** Injects a connection, and returns the client's end of it. */
function inject(): MemoryEnd {
  const [near, far] = MemoryEnd.pair()
  http.emit('connection', far)
  return near
}

function ask(client: Duplex, lines: Record<string, string> = {}): void {
  const all = Object.values({ ...handshake_lines(), ...lines }).filter(line => line !== '')
  client.write(`${all.join('\r\n')}\r\n\r\n`)
}

/** All that has come, as soon as something has. */
async function next(client: Duplex): Promise<Buffer> {
  for (;;) {
    const received: Buffer | null = client.read()
    if (received !== null) return received
    await once(client, 'readable')
  }
}

async function open(): Promise<MemoryEnd> {
  const client = inject()
  ask(client)
  expect(String(await next(client))).toMatch(/^HTTP\/1\.1 101 /)
  return client
}

afterEach(async () => {
  for (const server of mounted.splice(0)) await server[Symbol.asyncDispose]()
})

describe('a stream that was injected into an http server', () => {
  it('carries messages both ways, is counted in bytes, and has no address', async () => {
    const server = share({ on_message: (socket, data) => socket.send(`got ${data}`) })
    const client = await open()
    const frame = masked_frame(0x81, Buffer.from('hello'))
    client.write(frame)
    expect(String((await next(client)).subarray(2))).toBe('got hello')
    expect(server.stats()).toMatchObject({ sockets: 1, received_bytes: frame.length })
    expect(server.stats().sent_bytes).toBe(2 + 'got hello'.length)
    expect([...server.sockets][0]?.addr).toBe('unknown')
    client.end()
    await [...server.sockets][0]?.closed
    expect(server.stats()).toMatchObject({ sockets: 0, received_bytes: frame.length })
  })

  it('is pinged, and given up if it does not answer', async () => {
    const server = share({ heartbeat: 30 })
    const client = await open()
    const [socket] = server.sockets
    expect((await next(client))[0]).toBe(0x89)
    expect(await socket?.closed).toMatchObject({ cause: 'heartbeat' })
  })

  it('is not given up while it sends', async () => {
    const server = share({ heartbeat: 30 })
    const client = await open()
    for (let pings = 0; pings < 4; pings += 1) {
      expect((await next(client))[0]).toBe(0x89)
      client.write(masked_frame(0x8a, Buffer.alloc(0)))
    }
    expect(server.sockets.size).toBe(1)
    expect(server.stats().round_trip_ms?.p50).toBeGreaterThan(0)
  })

  it.each([10, 100_000])(
    'is sent what was meant for it, though it reads late: texts of %i letters',
    async size => {
      const server = share()
      const clients = [await open(), await open()]
      const texts = Array.from({ length: 20 }, (_, index) => String.fromCharCode(97 + index).repeat(size))
      for (const data of texts) {
        for (const socket of server.sockets) socket.send(data)
        await new Promise(setImmediate)
      }
      server.close()
      const ends = clients.map(async client => String(await text(client)))
      for (const client of clients) client.write(masked_frame(0x88, Buffer.of(3, 233)))
      for (const received of await Promise.all(ends))
        for (const data of texts) expect(received).toContain(data)
      await server.closed
    },
  )

  it('is refused, and ends in order when the server closes', async () => {
    const server = share()
    const client = inject()
    ask(client, { start: 'GET /other HTTP/1.1' })
    expect(String(await next(client))).toMatch(/^HTTP\/1\.1 404 /)
    const late = inject()
    const closed = new Promise(resolve => client.on('end', resolve))
    client.resume()
    server.close()
    ask(late)
    expect(String(await next(late))).toMatch(/^HTTP\/1\.1 (503|200) /)
    await Promise.all([closed, server.closed])
    expect(server.stats().refused.wrong_path).toBe(1)
  })

  it('gets a plain answer to an upgrade to something else', async () => {
    share()
    const client = inject()
    ask(client, { start: 'POST /page HTTP/1.1', Upgrade: 'Upgrade: h2c', body: 'Content-Length: 5' })
    client.write('hello')
    expect(String(await next(client))).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('may be limited by address like others, and has none to be limited by', async () => {
    const server = share({ max_connections_per_ip: 1 })
    await open()
    await open()
    expect(server.sockets.size).toBe(2)
  })
})
