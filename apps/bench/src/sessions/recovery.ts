import { once } from 'node:events'
import { type AddressInfo, connect as connect_tcp, createServer, type Socket } from 'node:net'
import { connect, listen } from '@bt/net'
import { session } from '@bt/net/session'

/**
 * Cuts the connection of a session on loopback again and again. Returns how long it took each time until the
 * session went on, in milliseconds, in ascending order.
 */
export async function measure_recovery(cuts: number): Promise<readonly number[]> {
  const server = listen({ type: 'ws', bind: '127.0.0.1:0', sessions: true })
  await server.opened
  const port = Number(server.addr.split(':').at(-1))
  const connections = new Set<Socket>()
  const proxy = createServer(client => {
    const upstream = connect_tcp(port, '127.0.0.1')
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) {
      connections.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => connections.delete(socket))
    }
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const times_ms: number[] = []
  let cut_ms = 0
  let on_recovered = (): void => {}
  const url = `ws://127.0.0.1:${(proxy.address() as AddressInfo).port}/ws`
  const client = connect({
    type: 'ws',
    url,
    reconnect: { min_delay: 1, max_delay: 1 },
    session: session(),
    on_open({ recovered }) {
      if (!recovered) return
      times_ms.push(performance.now() - cut_ms)
      on_recovered()
    },
    on_error() {},
  })
  await client.opened
  while (times_ms.length < cuts) {
    const recovered = new Promise<void>(resolve => {
      on_recovered = resolve
    })
    cut_ms = performance.now()
    for (const socket of connections) socket.destroy()
    await recovered
  }
  client.close()
  await client.closed
  server.close()
  await server.closed
  proxy.close()
  return times_ms.sort((a, b) => a - b)
}
