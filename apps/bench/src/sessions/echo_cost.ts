import { once } from 'node:events'
import { connect, listen, type WsClient, type WsServer } from '@bt/net'
import { session } from '@bt/net/session'
import { median } from '../statistics.js'

/** How an echo is measured. */
export interface EchoSettings {
  /** The size of each message, in bytes. */
  readonly message_bytes: number
  readonly kind: 'text' | 'binary'
  /** How many messages are on their way at a time. */
  readonly depth: number
  readonly rounds: number
  readonly round_ms: number
}

/** What an echo took, with a session beside without one. */
export interface EchoCost {
  /** CPU time of server and client together for a message there and back, in microseconds; the median. */
  readonly plain_us: number
  readonly session_us: number
  /** The second divided by the first, for each pair of rounds. */
  readonly ratios: readonly number[]
  /** The bytes that the session sent in addition, as a part of all, in the worse direction. */
  readonly extra_bytes: number
  /** Frames that only the session sends, per second, in both directions together. */
  readonly extra_frames_per_second: number
}

interface Round {
  readonly messages: number
  readonly seconds: number
  readonly cpu_us: number
  readonly received_bytes: number
  readonly sent_bytes: number
}

/** An acknowledgement as a frame of a client, the largest that is usual: header, mask, leading byte, kind, count. */
const ACK_FRAME_BYTES = 12

/**
 * Measures an echo in this process, rounds with and without a session by turns, so that both find the machine in
 * the same state.
 */
export async function measure_echo(settings: EchoSettings): Promise<EchoCost> {
  const server = listen({
    type: 'ws',
    bind: '127.0.0.1:0',
    binary: true,
    sessions: true,
    on_message: (socket, data) => void socket.send(data),
  })
  await server.opened
  const options = { type: 'ws', url: `ws://${server.addr}/ws`, binary: true, reconnect: true } as const
  const clients = {
    plain: connect(options) as WsClient<string | Uint8Array>,
    session: connect({ ...options, session: session() }) as WsClient<string | Uint8Array>,
  }
  const rounds = { plain: [] as Round[], session: [] as Round[] }
  for (const name of ['plain', 'session'] as const) {
    await clients[name].opened
    await run_round(server, clients[name], settings)
  }
  for (let round = 0; round < settings.rounds; round += 1) {
    const order = round % 2 === 0 ? (['plain', 'session'] as const) : (['session', 'plain'] as const)
    for (const name of order) rounds[name].push(await run_round(server, clients[name], settings))
  }
  for (const client of Object.values(clients)) client.close()
  server.close()
  await server.closed
  const us = ({ cpu_us, messages }: Round): number => cpu_us / messages
  const frame_bytes = settings.message_bytes + (settings.kind === 'binary' ? 1 : 0)
  const extra = rounds.session.flatMap(({ messages, received_bytes, sent_bytes }) => [
    received_bytes - messages * (frame_bytes + header_bytes(frame_bytes) + 4),
    sent_bytes - messages * (frame_bytes + header_bytes(frame_bytes)),
  ])
  const totals = rounds.session.flatMap(({ received_bytes, sent_bytes }) => [received_bytes, sent_bytes])
  const seconds = rounds.session.reduce((sum, round) => sum + round.seconds, 0)
  return {
    plain_us: median(rounds.plain.map(us)),
    session_us: median(rounds.session.map(us)),
    ratios: rounds.session.map((round, index) => us(round) / us(rounds.plain[index] as Round)),
    extra_bytes: Math.max(...extra.map((bytes, index) => bytes / (totals[index] as number))),
    extra_frames_per_second: extra.reduce((sum, bytes) => sum + bytes, 0) / ACK_FRAME_BYTES / seconds,
  }
}

async function run_round(
  server: WsServer,
  client: WsClient<string | Uint8Array>,
  { message_bytes, kind, depth, round_ms }: EchoSettings,
): Promise<Round> {
  const message = kind === 'text' ? 'x'.repeat(message_bytes) : new Uint8Array(message_bytes)
  let messages = 0
  let is_over = false
  let left = depth
  const timer = new AbortController()
  client.on_message(() => {
    messages += 1
    if (!is_over) client.send(message)
    else {
      left -= 1
      if (left === 0) timer.abort()
    }
  })
  const before = server.stats()
  const cpu = process.cpuUsage()
  const start_ms = performance.now()
  for (let i = 0; i < depth; i += 1) client.send(message)
  setTimeout(() => {
    is_over = true
  }, round_ms)
  await once(timer.signal, 'abort')
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - start_ms) / 1_000
  const { received_bytes, sent_bytes } = server.stats()
  return {
    messages,
    seconds,
    cpu_us: user + system,
    received_bytes: received_bytes - before.received_bytes,
    sent_bytes: sent_bytes - before.sent_bytes,
  }
}

/** Returns the size of a frame's header without a mask (RFC 6455 §5.2). */
function header_bytes(payload_bytes: number): number {
  return payload_bytes < 126 ? 2 : payload_bytes <= 0xffff ? 4 : 10
}
