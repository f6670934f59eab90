import { connect } from '@bt/net'
import { session } from '@bt/net/session'
import { pipe_through } from './pipe_through.js'
import { type_at_terminal } from './type_at_terminal.js'

/** The arguments of the command `connect`. */
export interface ConnectArguments {
  /** The URL of the server. */
  readonly url: string
  /** Whether to send lines as binary messages, and accept binary messages too. */
  readonly binary?: boolean
  /** The certificates of trusted authorities, in PEM; by default, those that Node trusts. */
  readonly ca?: Buffer
  /** Extra headers of the opening handshake, by name. */
  readonly header?: Readonly<Record<string, string>>
  /** The subprotocols to offer, the preferred one first. */
  readonly protocol?: readonly string[]
  /** Whether to keep reconnecting when the connection is lost or fails to open. */
  readonly reconnect?: boolean
  /** Whether to have a session, which goes on after reconnecting. */
  readonly session?: boolean
  /** The topic of our echo server to join. */
  readonly topic?: string
  /** With a pipe: how long to wait for another message before closing, in milliseconds. */
  readonly wait: number
}

/**
 * Sends a server the lines that are typed at a terminal or piped in. Resolves to the exit code.
 *
 * @throws NetError `invalid_option` for an invalid URL or `ca`, or a header that can't be sent
 */
export async function run_connect({
  url,
  binary = false,
  ca,
  header,
  protocol,
  reconnect,
  session: has_session = false,
  topic,
  wait,
}: ConnectArguments): Promise<number> {
  const ws = connect({
    type: 'ws',
    url: with_topic(url, topic),
    binary,
    headers: header,
    protocols: protocol,
    reconnect: reconnect === true || has_session,
    session: has_session ? session() : undefined,
    tls: ca === undefined ? undefined : { ca },
  })
  const is_terminal = process.stdin.isTTY && process.stdout.isTTY
  const ended_well = is_terminal ? type_at_terminal(ws, binary) : pipe_through(ws, { binary, wait_ms: wait })
  return (await ended_well) ? 0 : 1
}

function with_topic(url: string, topic: string | undefined): string {
  return topic === undefined
    ? url
    : `${url}${url.includes('?') ? '&' : '?'}topic=${encodeURIComponent(topic)}`
}
