import type { Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { CloseInfo, ClusterPort } from '@bt/net'
import { type Address, address_text, listening, parse_bound } from './address.js'
import { make_page_server } from './page_server.js'
import { say, say_error, style } from './print.js'
import { Room } from './room.js'
import { read_static_files } from './static_files.js'
import { on_stop } from './stop.js'
import { Wire } from './wire.js'

// Pages that were cut off together do not all come back in the same moment.
const SPREAD_MS = 2_000
const PAGE = fileURLToPath(new URL('../page', import.meta.url))

/** Where to listen. */
export interface ServeOptions {
  /** For the page. */
  readonly bind: Address
  /** For the WebSocket. */
  readonly ws_bind: Address
  /** The broker of which this server is one node. */
  readonly broker?: ClusterPort | undefined
}

/** Serves the page and the WebSocket until it is told to stop. Settles with the exit code. */
export async function run_serve({ bind, ws_bind, broker }: ServeOptions): Promise<number> {
  const files = read_static_files(PAGE)
  let self: { readonly node: string; readonly page: string } | undefined
  const room = new Room({
    node: broker && { broker, self: () => self },
    cut: addr => wire.cut(addr),
    on_joined: ({ name }, addr) => say(`${style.bold(name)} joined from ${addr}`),
    on_left: ({ name }, info) => say(`${style.bold(name)} left (${how_closed(info)})`),
    on_error: error => say_error(error, error.addr),
  })
  await room.server.opened
  const wire = new Wire(ws_bind, parse_bound(room.server.addr))
  let page_server: Server | undefined
  const stop = (): void => {
    room.server.close({ spread_ms: SPREAD_MS, reason: 'the server stops' })
    wire.close()
    page_server?.close()
    page_server?.closeIdleConnections()
  }
  try {
    const ws_address = await wire.listen()
    const ws_url = `ws://${address_text(ws_address)}/ws`
    page_server = make_page_server({ files, ws_url, control: request => room.control(request) })
    const page_address = await listening(page_server, bind)
    const page_url = `http://${address_text(page_address)}/`
    self = { node: String(ws_address.port), page: page_url }
    say(`open ${style.bold(page_url)} in a browser`)
    say(`its server is listening on ${style.bold(ws_url)}`)
    if (broker !== undefined)
      say(
        `it is node ${style.bold(self.node)} of those that meet through ${broker.broker}: start another, and open its page, too`,
      )
    // A program that has started this one says itself where the page is, and how to stop.
    if (process.send === undefined) process.stdout.write(`\n${style.bold('Ctrl-C stops it.')}\n\n`)
    else process.send(page_url)
  } catch (error) {
    say_error(error)
    stop()
    return 1
  }
  on_stop(() => {
    const { size } = room.server.sockets
    const told = `; ${size} ${size === 1 ? 'page is' : 'pages are'} told to come back within ${SPREAD_MS / 1000} s (Close 1012)`
    say(`stopping${size === 0 ? '' : told}`)
    stop()
  })
  await room.server.closed
  page_server.closeAllConnections()
  wire.cut_all()
  say('stopped')
  return 0
}

function how_closed({ code, cause, clean, unsent }: CloseInfo): string {
  const lack = clean ? '' : ', without a Close from the page'
  return `code ${code}, cause ${cause}${lack}${unsent === 0 ? '' : `, ${unsent} unsent`}`
}
