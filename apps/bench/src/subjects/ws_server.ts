import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { give_up } from '../process/commands.js'
import { MAX_MESSAGE_BYTES, repeated, run_server } from './server_subject.js'

let server: WebSocketServer | undefined

run_server({
  listen: async ({ is_compressing, is_flooded, tls }) => {
    const address = { port: 0, host: '127.0.0.1' }
    const https = tls && createServer(tls).listen(address)
    server = new WebSocketServer({
      ...(https === undefined ? address : { server: https }),
      ...(!is_flooded && { maxPayload: MAX_MESSAGE_BYTES }),
      perMessageDeflate: is_compressing && {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        threshold: 1024,
        zlibDeflateOptions: { level: 6 },
      },
    })
    server.on('connection', ws => {
      // A flooding client is disconnected, or ends the connection itself.
      ws.on('error', is_flooded ? () => {} : give_up)
      // Text stays a Buffer, because passing on the bytes is the fastest way to echo with ws.
      ws.on('message', (data, is_binary) => ws.send(data, { binary: is_binary }))
    })
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
  prepare: (payload, { kind }, burst) => {
    const options = { binary: kind === 'binary' }
    return repeated(burst, () => {
      for (const client of server?.clients ?? [])
        if (client.readyState === WebSocket.OPEN) client.send(payload, options)
    })
  },
})
