import { type AddressInfo, createServer } from 'node:net'

/** Listens on a free port of 127.0.0.1, and returns it: each byte that comes there is a pull. */
export async function listen_for_trigger(pull: () => void): Promise<number> {
  const trigger = createServer(socket => {
    socket.setNoDelay(true)
    // The load lets go of it when it is done.
    socket.on('error', () => {})
    socket.on('data', pulls => {
      for (let due = pulls.length; due > 0; due -= 1) pull()
    })
  })
  await new Promise<void>(resolve => trigger.listen(0, '127.0.0.1', resolve))
  return (trigger.address() as AddressInfo).port
}
