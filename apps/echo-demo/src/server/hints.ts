import { relative } from 'node:path'
import { style } from '../shared/print.js'

/** The properties of a server that its hints depend on. */
export interface HintDetails {
  /** Whether it accepts binary messages. */
  readonly is_binary?: boolean | undefined
  /** The URL of the browser demo, if it is running too. */
  readonly page?: string | undefined
  /** Whether several processes serve. */
  readonly has_workers?: boolean
  /** Whether a broker joins them with each other and with other servers. */
  readonly is_joined?: boolean
}

/** Returns what a first-time user can try now that a server listens at `url`. */
export function hints(
  url: string,
  { is_binary = false, page, has_workers = false, is_joined = false }: HintDetails = {},
): string {
  const connect = `${this_program()} connect${is_binary ? ' --binary' : ''} ${url}`
  const lines = [
    style.bold('The server keeps running. Talk to it:'),
    '',
    '  in a second terminal, in this directory',
    `    ${style.cyan(connect)}`,
    '  from a pipe',
    `    ${style.cyan(`printf 'one\\ntwo\\n' | ${connect}`)}`,
    '  in several terminals: each receives what the others in its topic send',
    `    ${style.cyan(`${connect} --topic lobby`)}`,
    ...(has_workers && !is_joined
      ? ['  (without --cluster, clients of other workers do not receive it)']
      : []),
    ...(url.startsWith('wss:')
      ? ['  (if the certificate is from an authority of your own, pass that with --ca FILE)']
      : []),
    ...(url.startsWith('ws://')
      ? [
          '  numbers, while the connection is cut each second: with --session, none is lost',
          `    ${style.cyan(`${this_program()} count --session --cut 1 ${url}`)}`,
        ]
      : []),
    ...(page === undefined ? console_hint(url) : page_hint(page)),
    ...(has_workers
      ? [
          '  replace the workers, one after the other; clients with --reconnect reconnect',
          `    ${style.cyan(`kill -HUP ${process.pid}`)}`,
        ]
      : []),
    '',
    style.bold('Ctrl-C stops it.'),
    '',
  ]
  return `\n${lines.join('\n')}\n`
}

function page_hint(page: string): string[] {
  return ['  in a browser, with plots and switches', `    ${style.cyan(page)}`]
}

function console_hint(url: string): string[] {
  if (!url.startsWith('ws://')) return []
  return [
    `  in a browser: open ${style.cyan(`http://${new URL(url).host}/`)} (an error page will do), and paste this into its console (F12)`,
    `    ${style.cyan(`const ws = new WebSocket('${url}'); ws.onmessage = event => console.log(event.data); ws.onopen = () => ws.send('hello')`)}`,
  ]
}

/** Returns the command that runs this program from the current directory. */
function this_program(): string {
  const [, script = ''] = process.argv
  const path = relative('', script)
  const shortest = path.startsWith('..') ? script : path
  return `node ${/^[\w./@-]+$/.test(shortest) ? shortest : JSON.stringify(shortest)}`
}
