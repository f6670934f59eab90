import { CountingServer } from '../wire/counting_server.js'
import { message_bytes } from '../wire/message.js'
import { run_server } from './server_subject.js'

const servers: CountingServer[] = []

run_server({
  listen: ({ tls }) => {
    const server = new CountingServer('websocket', tls)
    servers.push(server)
    return server.listen()
  },
  expect: shape => {
    for (const server of servers) server.expect(shape)
  },
  prepare: (_, shape, burst) => {
    const message = message_bytes(shape, 'websocket', 'server')
    const messages = Buffer.concat(Array.from({ length: burst }, () => message))
    return () => {
      for (const server of servers) server.broadcast(messages)
    }
  },
})
