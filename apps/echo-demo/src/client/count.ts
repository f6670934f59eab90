import { setTimeout as pause } from 'node:timers/promises'
import { type Address, address_text } from '@bt/demo-support/address'
import { Wire } from '@bt/demo-support/wire'
import { connect, NetError, type WsClient } from '@bt/net'
import { type SessionOpening, session } from '@bt/net/session'
import { how_reconnecting, is_over } from '../shared/ending.js'
import { say_error, say_status } from '../shared/print.js'
import { is_full, send_patiently } from '../shared/send_patiently.js'
import { on_stop } from '../shared/stop.js'
import { how_continued } from './how_connected.js'
import { quiet, Silence } from './silence.js'
import { summary, Tally } from './tally.js'

/** The arguments of the command `count`. */
export interface CountArguments {
  /** The URL of the server. */
  readonly url: string
  /** Whether to have a session. */
  readonly session?: boolean
  /** The interval at which the connection is cut, in milliseconds; by default, it is not. */
  readonly cut?: number
  /** How many numbers to send. */
  readonly numbers: number
}

const EVERY_MS = 10
/** How long to wait for another number, once all were sent. */
const WAIT_MS = 500
// Shorter delays than by default: the server is there, and only the wire to it is cut.
const RECONNECT = { min_delay: 20, max_delay: 100, max_attempts: 100 }
const ECHO = /^echo:(\d+)$/

/**
 * Sends numbers to an echo server, counts those that come back, and prints the result. Resolves to the exit code: 0
 * if each number came back once.
 *
 * @throws NetError `invalid_option` for a URL that is invalid, or that is not of the kind that can be cut
 */
export async function run_count(given: CountArguments): Promise<number> {
  const wire = given.cut === undefined ? undefined : new Wire(FREE, target_of(given.url))
  try {
    const url = wire === undefined ? given.url : with_address(given.url, await wire.listen())
    return await count_over(url, given, () => wire?.cut_all())
  } finally {
    wire?.close()
  }
}

async function count_over(url: string, given: CountArguments, cut: () => void): Promise<number> {
  const has_session = given.session === true
  const ws = connect({
    type: 'ws',
    url,
    reconnect: RECONNECT,
    session: has_session ? session() : undefined,
  })
  const tally = new Tally()
  const silence = new Silence(WAIT_MS)
  const connections = watch(ws, silence)
  ws.on_message(data => {
    silence.record_message()
    const [, number] = ECHO.exec(data) ?? []
    if (number !== undefined) tally.take(Number(number))
  })
  const is_stopping = on_stop(() => {
    if (connections.opened === 0) ws.close()
  })
  // `on_error` reports why it did not open.
  const has_opened = await ws.opened.then(
    () => true,
    () => false,
  )
  if (!has_opened) return 1
  const cutting = given.cut === undefined ? undefined : setInterval(cut, given.cut)
  await send_numbers(ws, tally, () => tally.sent >= given.numbers || is_stopping())
  clearInterval(cutting)
  // A rejection is about messages that are lost, which is what the result shows.
  await ws.drained().catch(() => {})
  await quiet(ws, silence)
  ws.close()
  await ws.closed
  const { opened, recovered } = connections
  const sessions = has_session ? { recovered, not_recovered: opened - 1 - recovered } : undefined
  process.stdout.write(`${summary(tally, { opened, sessions })}\n`)
  return tally.missing === 0 && tally.twice === 0 ? 0 : 1
}

/** Prints how the connection of a client is lost and opens again, and counts that. */
function watch(ws: WsClient, silence: Silence): { readonly opened: number; readonly recovered: number } {
  const counted = { opened: 0, recovered: 0 }
  ws.on_open((opening?: SessionOpening) => {
    silence.record_message()
    const again = counted.opened === 0 ? '' : ' again'
    say_status(`connected${again}${opening === undefined ? '' : `: ${how_continued(opening)}`}`)
    counted.opened += 1
    if (opening?.recovered) counted.recovered += 1
  })
  ws.on_reconnecting(info => {
    if (info.info.cause !== 'refused' || info.attempt === 1) say_status(how_reconnecting(info))
  })
  ws.on_error(error => {
    // The loss of a connection is printed above, each time.
    if (!is_full(error) && error.code !== 'connection_lost') say_error(error)
  })
  return counted
}

async function send_numbers(ws: WsClient, tally: Tally, is_done: () => boolean): Promise<void> {
  while (!is_done() && !is_over(ws)) {
    if ((await send_patiently(ws, String(tally.sent + 1))) !== true) return
    tally.next()
    await pause(EVERY_MS)
  }
}

const FREE: Address = { host: '127.0.0.1', port: 0 }
const HTTP_PORT = 80

/** The address behind a URL. */
function target_of(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'ws:')
    throw new NetError(
      'invalid_option',
      'with --cut, the URL has to be one of ws://host:port, since only such a connection is led over a wire to cut',
    )
  return { host: url.hostname.replace(/[[\]]/g, ''), port: Number(url.port || HTTP_PORT) }
}

function with_address(text: string, address: Address): string {
  const url = new URL(text)
  url.host = address_text(address)
  return url.href
}
