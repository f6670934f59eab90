import { fileURLToPath } from 'node:url'
import { call_at_stop } from '@bt/demo-support/stop'
import type { CloseInfo } from '@bt/net'
import { say, say_error, style } from './print.js'
import { type Service, type ServiceOptions, SPREAD_MS, start_service } from './service.js'
import { read_static_files } from './static_files.js'

const PAGE = fileURLToPath(new URL('../page', import.meta.url))

/** The arguments of the program. */
export type ServeOptions = Omit<ServiceOptions, 'files'>

/** Serves the page and the WebSocket until it is stopped. Resolves to the exit code. */
export async function run_serve(options: ServeOptions): Promise<number> {
  const files = read_static_files(PAGE)
  let service: Service
  try {
    service = await start_service(
      { ...options, files },
      {
        on_joined: ({ name }, addr) => say(`${style.bold(name)} joined from ${addr}`),
        on_left: ({ name }, info) => say(`${style.bold(name)} left (${how_closed(info)})`),
        on_error: error => say_error(error, error.addr),
      },
    )
  } catch (error) {
    say_error(error)
    return 1
  }
  const { page_url, ws_url, node, ws_server } = service
  say(`open ${style.bold(page_url)} in a browser`)
  say(`its server is listening on ${style.bold(ws_url)}`)
  if (options.broker !== undefined)
    say(
      `it is node ${style.bold(node)} of the cluster on ${options.broker.broker}: start another node, and open its page too`,
    )
  // A program that has started this one prints the page's URL and how to stop itself.
  if (process.send === undefined) process.stdout.write(`\n${style.bold('Ctrl-C stops it.')}\n\n`)
  else process.send(page_url)
  const stop = (): void => {
    const { size } = ws_server.sockets
    const plan = `; ${size} ${size === 1 ? 'page is' : 'pages are'} asked to reconnect within ${SPREAD_MS / 1000} s (Close 1012)`
    say(`stopping${size === 0 ? '' : plan}`)
    service.close()
  }
  call_at_stop(stop, error => {
    if (error.code !== 'EPIPE') throw error
  })
  await ws_server.closed
  service.cut()
  say('stopped')
  return 0
}

function how_closed({ code, cause, clean, unsent }: CloseInfo): string {
  const lack = clean ? '' : ', without a Close from the page'
  return `code ${code}, cause ${cause}${lack}${unsent === 0 ? '' : `, ${unsent} unsent`}`
}
