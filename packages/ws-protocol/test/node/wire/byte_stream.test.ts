import { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { counting_bytes } from '../../../src/node/index.js'
import { drop_idle_listener } from '../../../src/node/wire/byte_stream.js'

it('counts what a stream that counts nothing is sent and sends', async () => {
  const stream = counting_bytes(new PassThrough())
  expect(stream).toMatchObject({ bytesRead: 0, bytesWritten: 0 })
  stream.write('é')
  stream.write(Buffer.alloc(3))
  await new Promise(setImmediate)
  expect(stream).toMatchObject({ bytesRead: 5, bytesWritten: 5 })
})

it('leaves a socket as it is', () => {
  const socket = new Socket()
  expect(counting_bytes(socket)).toBe(socket)
  expect(socket.listenerCount('data')).toBe(0)
  expect(Object.hasOwn(socket, 'write')).toBe(false)
})

it('takes away the listener of Node that does nothing for a socket that may be half open, and no other', () => {
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
