import { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { counting_bytes } from '../../src/node/index.js'

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
