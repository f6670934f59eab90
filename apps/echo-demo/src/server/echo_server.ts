import cluster from 'node:cluster'
import {
  type ClusterPort,
  listen,
  NetError,
  type TlsListenOptions,
  type WsServer,
  type WsSocket,
} from '@bt/net'
import { how_closed } from '../shared/ending.js'
import { quoted } from '../shared/message_text.js'
import { say, say_error, style } from '../shared/print.js'
import { is_full, send_patiently } from '../shared/send_patiently.js'

/** The settings of an echo server. */
export interface EchoServerOptions {
  /** The address to listen on, `'host:port'`. */
  readonly bind: string
  /** The path of the WebSocket. */
  readonly route: string
  /** Whether to accept binary messages too, and answer them in kind. */
  readonly binary?: boolean
  /** The certificate and its key, if the server speaks TLS. */
  readonly tls?: TlsListenOptions | undefined
  /** The origins of the pages that may connect, in place of the default. */
  readonly origins?: readonly string[] | '*' | undefined
  /** The broker that makes it one of several servers. */
  readonly cluster?: ClusterPort | undefined
  /** Called when a client has disconnected. */
  readonly on_left?: () => void
}

/** The close code for a topic name that is invalid; our client does not reconnect after it. */
const BAD_REQUEST = 4_400

/**
 * Starts a server that greets each client with 'welcome', echoes each message with the prefix 'echo:', and
 * prints both. A client that connects with `?topic=NAME` joins that topic, and gets what the others in it
 * send. A client may have a session, which outlives its connections.
 *
 * @throws NetError `invalid_option` for an invalid `bind`, `route` or origin, or a key that does not match
 * the certificate
 */
export function start_echo_server({
  bind,
  route,
  binary = false,
  tls,
  origins,
  cluster: broker,
  on_left,
}: EchoServerOptions): WsServer {
  const server = listen({
    type: 'ws',
    bind,
    route,
    binary,
    tls,
    origins,
    cluster: broker,
    sessions: true,
    on_connect: socket => {
      const topic = socket.request.query.get('topic')
      if (topic !== null) return enter(socket, topic)
      greet(socket)
      return undefined
    },
    on_message: (socket, data) => {
      const answer = with_prefix('echo:', data)
      const topics = [...socket.topics]
      for (const topic of topics) {
        const reached = server.publish(topic, with_prefix(`${topic}: `, data), { except: socket })
        if (reached instanceof NetError) say_error(reached, socket.addr)
      }
      const sent = send_patiently(socket, answer)
      const is_late = sent instanceof NetError && sent.code === 'closed'
      const answered = is_late ? 'it is too late for an answer' : `I answer ${quoted(answer)}`
      const published = topics.length === 0 ? '' : `, and publish it to ${topics.map(quoted).join(', ')}`
      say('server', `${style.bold(socket.addr)} says ${quoted(data)}; ${answered}${published}`)
      return sent
    },
    on_away: socket => say('server', `${style.bold(socket.addr)} is away; its session waits`),
    on_back: socket => say('server', `${style.bold(socket.addr)} is back, in its session`),
    on_close: (socket, info) => {
      say('server', `${style.bold(socket.addr)} is gone (${how_closed(info)})`)
      on_left?.()
    },
    on_error: error => {
      // A full queue is no error here, because `send_patiently` waits for slow readers.
      if (!is_full(error)) say_error(error, error.socket?.addr)
    },
  })
  return server
}

async function enter(socket: WsSocket, topic: string): Promise<void> {
  try {
    await socket.join(topic)
  } catch (error) {
    say_error(error, socket.addr)
    socket.close(BAD_REQUEST, 'this is not a valid topic name')
    return
  }
  greet(socket, topic)
}

function greet(socket: WsSocket, topic?: string): void {
  const room = topic === undefined ? '' : ` to ${topic}`
  const sender = cluster.worker === undefined ? '' : ` from worker ${cluster.worker.id}`
  const greeting = `welcome${room}${sender}`
  say('server', `${style.bold(socket.addr)} connected; I send it ${quoted(greeting)}`)
  socket.send(greeting)
}

function with_prefix(prefix: string, data: string | Uint8Array): string | Uint8Array {
  return typeof data === 'string' ? prefix + data : Buffer.concat([Buffer.from(prefix), data])
}
