import { connect } from '@bt/net'
import { pipe_through } from './pipe_through.js'
import { type_at_terminal } from './type_at_terminal.js'

/** What follows `connect` on the command line. */
export interface ConnectArguments {
  /** Where to connect. */
  readonly url: string
  /** Whether lines are sent as binary messages, and binary messages are taken too. */
  readonly binary?: boolean
  /** The certificates of the authorities that a server's certificate has to come from, in PEM; without, those of Node. */
  readonly ca?: Buffer
  /** Headers that go with the opening handshake, by name. */
  readonly header?: Readonly<Record<string, string>>
  /** The subprotocols that are offered, by preference. */
  readonly protocol?: readonly string[]
  /** Whether to connect again, and again, when the connection is lost or does not open. */
  readonly reconnect?: boolean
  /** The topic of our echo server that this client is to be in. */
  readonly topic?: string
  /** With a pipe: for how long no message has to come before the connection is closed, in milliseconds. */
  readonly wait: number
}

/**
 * Talks to a server: what somebody types at a terminal, or what is piped in. Settles with the exit code.
 *
 * @throws NetError `invalid_option` for a URL that is none, a `ca` that is none, or a header that can't be sent
 */
export async function run_connect({
  url,
  binary = false,
  ca,
  header,
  protocol,
  reconnect,
  topic,
  wait,
}: ConnectArguments): Promise<number> {
  const ws = connect({
    type: 'ws',
    url: with_topic(url, topic),
    binary,
    headers: header,
    protocols: protocol,
    reconnect,
    tls: ca === undefined ? undefined : { ca },
  })
  const is_terminal = process.stdin.isTTY && process.stdout.isTTY
  const is_well = is_terminal ? type_at_terminal(ws, binary) : pipe_through(ws, { binary, wait_ms: wait })
  return (await is_well) ? 0 : 1
}

function with_topic(url: string, topic: string | undefined): string {
  return topic === undefined
    ? url
    : `${url}${url.includes('?') ? '&' : '?'}topic=${encodeURIComponent(topic)}`
}
