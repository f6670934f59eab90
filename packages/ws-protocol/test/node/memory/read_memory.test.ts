import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { mask, NOT_ASCII } from '../../../src/frames/mask.js'
import { read_chunk, read_memory, share_read_memory, unmask } from '../../../src/node/memory/read_memory.js'

const left_open: { destroy(): void }[] = []

afterEach(() => {
  for (const socket of left_open.splice(0)) socket.destroy()
})

/** Both ends of a connection; the first is made by Node, as the sockets of an http server are. */
async function connected(): Promise<[accepted: Socket, peer: Socket]> {
  const server = createServer().listen(0, '127.0.0.1')
  const accepted = once(server, 'connection')
  await once(server, 'listening')
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await accepted) as [Socket]
  server.close()
  left_open.push(socket, peer)
  return [socket, peer]
}

/** Records the data that a socket reads into the shared memory, and the data that it emits, as text. */
function readings(socket: Socket): { readonly shared: string[]; readonly emitted: string[] } {
  const [shared, emitted]: [string[], string[]] = [[], []]
  share_read_memory(socket, size_bytes => {
    shared.push(read_memory.toString('latin1', 0, size_bytes))
    socket.emit('read')
    return true
  })
  socket.on('data', (chunk: Buffer) => {
    emitted.push(String(chunk))
    socket.emit('read')
  })
  return { shared, emitted }
}

test('a socket created by Node reads into the shared memory, and emits nothing', async () => {
  const [socket, peer] = await connected()
  const read = readings(socket)
  peer.write('one')
  await once(socket, 'read')
  peer.end('two')
  await once(socket, 'end')
  expect(read).toEqual({ shared: ['one', 'two'], emitted: [] })
})

test('data that was unshifted before is emitted first', async () => {
  const [socket, peer] = await connected()
  socket.unshift(Buffer.from('head'))
  const read = readings(socket)
  peer.end('rest')
  await once(socket, 'end')
  expect(read).toEqual({ shared: ['rest'], emitted: ['head'] })
})

test('a paused socket reads nothing until it is resumed', async () => {
  const [socket, peer] = await connected()
  const { shared } = readings(socket)
  socket.once('read', () => socket.pause())
  const sent = Buffer.alloc(3_000_000, 'x')
  peer.end(sent)
  await once(socket, 'read')
  const [before] = shared
  // Whatever else the loop had to do, it has done it by then.
  for (let turn = 0; turn < 10; turn += 1) await new Promise(resolve => setImmediate(resolve))
  expect(shared).toEqual([before])
  socket.resume()
  await once(socket, 'end')
  expect(shared.join('').length).toBe(sent.length)
})

test('a reset is an error of the socket', async () => {
  const [socket, peer] = await connected()
  readings(socket)
  const failed = once(socket, 'error')
  peer.resetAndDestroy()
  expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' })
})

test('a socket with another reader still emits its data', async () => {
  const [socket, peer] = await connected()
  const chunks: string[] = []
  socket.on('data', chunk => chunks.push(String(chunk)))
  const read = readings(socket)
  peer.end('text')
  await once(socket, 'end')
  expect([read, chunks]).toEqual([{ shared: [], emitted: ['text'] }, ['text']])
})

test('a socket with read memory of its own keeps it', async () => {
  const own: string[] = []
  const onread = {
    buffer: Buffer.alloc(100),
    callback: (size_bytes: number, buffer: Buffer) => own.push(buffer.toString('latin1', 0, size_bytes)) > 0,
  }
  const server = createServer(stream => stream.end('text')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reader = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', onread })
  left_open.push(reader)
  await once(reader, 'connect')
  const read = readings(reader)
  await once(reader, 'end')
  server.close()
  expect([read, own]).toEqual([{ shared: [], emitted: [] }, ['text']])
})

test.each<[string, () => Promise<Duplex>]>([
  ['TLS', async () => new TLSSocket((await connected())[0])],
  ['a socket that has ended', async () => new Socket()],
  ['a stream that is no socket', async () => new Duplex({ read() {}, write() {} })],
])('%s is not changed', async (_, make) => {
  const stream = await make()
  left_open.push(stream)
  const keys_before = Reflect.ownKeys(stream).map(key => Reflect.get(stream, key))
  share_read_memory(stream, () => true)
  expect(Reflect.ownKeys(stream).map(key => Reflect.get(stream, key))).toEqual(keys_before)
})

test('a chunk is the start of the shared memory', () => {
  read_memory.write('abcdef')
  expect([5, 5, 3].map(size_bytes => String(read_chunk(size_bytes)))).toEqual(['abcde', 'abcde', 'abc'])
})

test('unmasks in the shared memory as elsewhere', () => {
  const key = 0x89ab4dcf | 0
  const wrong: number[] = []
  for (let count = 0; count < 70; count += 1) {
    const [here, there] = [read_chunk(93), Buffer.alloc(93)]
    for (let at = 0; at < 93; at += 1) here[at] = there[at] = at * 31 + count
    const [seen, expected] = [unmask(here, 3, 3 + count, key), mask(there, 3, 3 + count, key)]
    if (!there.equals(here) || !(seen & NOT_ASCII) !== !(expected & NOT_ASCII)) wrong.push(count)
  }
  expect(wrong).toEqual([])
  const elsewhere = Buffer.from('abcdefgh')
  unmask(elsewhere, 0, 8, 0x20202020)
  expect(String(elsewhere)).toBe('ABCDEFGH')
})
