import cluster from 'node:cluster'
import {
  type ClusterPort,
  listen,
  NetError,
  type TlsListenOptions,
  type WsServer,
  type WsSocket,
} from '@bt/net'
import { how_closed } from './ending.js'
import { quoted } from './message_text.js'
import { say, say_error, style } from './print.js'
import { is_full, send_patiently } from './send_patiently.js'

/** What an echo server has to know. */
export interface EchoServerOptions {
  /** Where to listen, `'host:port'`. */
  readonly bind: string
  /** The path of the WebSocket. */
  readonly route: string
  /** Whether binary messages are taken too, and answered in kind. */
  readonly binary?: boolean
  /** The certificate and its key, where it speaks TLS. */
  readonly tls?: TlsListenOptions | undefined
  /** The pages that may connect, in place of those that may by default. */
  readonly origins?: readonly string[] | '*' | undefined
  /** The broker that makes it one of several servers. */
  readonly cluster?: ClusterPort | undefined
  /** Called when a client has gone. */
  readonly on_left?: () => void
}

/** The code with which somebody is sent away who asked for what there is not; our client does not come back then. */
const BAD_REQUEST = 4_400

/**
 * Starts the server: it sends 'welcome' to whoever connects, answers each message with 'echo:' before it, and prints all of it. Who connects with
 * `?topic=NAME` is in that topic, and hears what others say who are.
 *
 * @throws NetError `invalid_option` for a `bind`, a `route` or an origin that is none, or a certificate and a key that do not belong together
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
      const told = topics.length === 0 ? '' : `, and tell ${topics.map(quoted).join(', ')}`
      say('server', `${style.bold(socket.addr)} says ${quoted(data)}; ${answered}${told}`)
      return sent
    },
    on_close: (socket, info) => {
      say('server', `${style.bold(socket.addr)} is gone (${how_closed(info)})`)
      on_left?.()
    },
    on_error: error => {
      // A full queue is no error here: whoever reads slowly is waited for.
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
    socket.close(BAD_REQUEST, 'no topic can have that name')
    return
  }
  greet(socket, topic)
}

function greet(socket: WsSocket, topic?: string): void {
  const where = topic === undefined ? '' : ` to ${topic}`
  const who = cluster.worker === undefined ? '' : ` from worker ${cluster.worker.id}`
  const greeting = `welcome${where}${who}`
  say('server', `${style.bold(socket.addr)} connected; I send it ${quoted(greeting)}`)
  socket.send(greeting)
}

function with_prefix(prefix: string, data: string | Uint8Array): string | Uint8Array {
  return typeof data === 'string' ? prefix + data : Buffer.concat([Buffer.from(prefix), data])
}
