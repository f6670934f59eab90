import { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { counting_bytes } from '../../../src/node/index.js'
import { drop_idle_listener } from '../../../src/node/wire/byte_stream.js'

it('adds byte counts to a stream without them', async () => {
  const stream = counting_bytes(new PassThrough())
  expect(stream).toMatchObject({ bytesRead: 0, bytesWritten: 0 })
  stream.write('é')
  stream.write(Buffer.alloc(3))
  await new Promise(setImmediate)
  expect(stream).toMatchObject({ bytesRead: 5, bytesWritten: 5 })
})

it('does not change a socket', () => {
  const socket = new Socket()
  expect(counting_bytes(socket)).toBe(socket)
  expect(socket.listenerCount('data')).toBe(0)
  expect(Object.hasOwn(socket, 'write')).toBe(false)
})

it('removes only the listener of Node that does nothing on a half-open socket', () => {
  const theirs = (): void => {}
  const half_open = new Socket({ allowHalfOpen: true }).on('end', theirs)
  drop_idle_listener(half_open)
  expect(half_open.listeners('end')).toEqual([theirs])
  for (const stream of [new Socket(), new PassThrough()]) {
    stream.on('end', theirs)
    const before = stream.listeners('end')
    drop_idle_listener(stream)
    expect(stream.listeners('end')).toEqual(before)
  }
})
