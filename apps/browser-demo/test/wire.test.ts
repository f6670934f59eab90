import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Address } from '@bt/demo-support/address'
import { Wire } from '@bt/demo-support/wire'
import { expect, it, onTestFinished } from 'vitest'

/** More bytes than all buffers on the way hold together. */
const MUCH_BYTES = 64 * 1024 * 1024
const FREE: Address = { host: '127.0.0.1', port: 0 }

/** Both ends of a wire. */
async function open_wire(): Promise<{ wire: Wire; near: Socket; far: Socket }> {
  const target = createServer().listen(FREE)
  await once(target, 'listening')
  const wire = new Wire(FREE, { ...FREE, port: (target.address() as AddressInfo).port })
  const came = once(target, 'connection') as Promise<[Socket]>
  const near = connect(await wire.listen())
  const [far] = await came
  onTestFinished(() => {
    for (const end of [near, far]) end.destroy()
    for (const server of [wire, target]) server.close()
  })
  return { wire, near, far }
}

it('forwards bytes both ways, and ends when both peers do', async () => {
  const { near, far } = await open_wire()
  near.write('there')
  expect(String((await once(far, 'data'))[0])).toBe('there')
  far.write('and back')
  expect(String((await once(near, 'data'))[0])).toBe('and back')
  const closed = Promise.all([once(near, 'close'), once(far, 'close')])
  near.end()
  far.end()
  await closed
})

it('can be destroyed even if one peer does not read, and the other has disconnected', async () => {
  const { wire, near, far } = await open_wire()
  // A write to the cut connection may fail.
  for (const end of [near, far]) end.on('error', () => {})
  far.end(Buffer.alloc(MUCH_BYTES))
  await once(near, 'readable')
  const closed = Promise.all([near, far].map(end => new Promise(resolve => end.once('close', resolve))))
  wire.destroy_all()
  near.resume()
  await closed
})

it('loses what is sent while it fails, and then breaks', async () => {
  const { wire, near, far } = await open_wire()
  near.write('there')
  const received = [String((await once(far, 'data'))[0])]
  far.on('data', data => received.push(String(data)))
  for (const end of [near, far]) end.on('error', () => {})
  const closed = Promise.all([near, far].map(end => new Promise(resolve => end.once('close', resolve))))
  wire.cut_all()
  near.write('lost')
  // A connection that was closed by its peer ends as soon as it has been read.
  near.resume()
  await closed
  expect(received).toEqual(['there'])
})
