// Installs and builds, then runs both demos until Ctrl-C: the page of apps/browser-demo, then the echo server
// of apps/echo-demo with its sample client, which prints the address of the page. If one demo ends, the other
// one is stopped. With --free-ports, they use free ports.
import { fileURLToPath } from 'node:url'
import { interrupted, start, stop_all } from './children.mjs'
import { install_npm_packages } from './npm_packages.mjs'
import { turbo } from './turbo.mjs'

const BUILD = [
  ...['run', 'build', '--filter=@bt/echo-demo', '--filter=@bt/browser-demo'],
  ...['--output-logs=errors-only', '--log-prefix=none'],
]

const FREE_PORTS = '--free-ports'
const FREE = '127.0.0.1:0'

const args = process.argv.slice(2)
const unknown = args.find(arg => arg !== FREE_PORTS)
const use_free_ports = args.includes(FREE_PORTS)

let has_ended = false

/** Returns whether the demos are ending; a further signal would kill them. */
const is_stopping = () => has_ended || interrupted() !== undefined

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
function start_demo(program, ...args) {
  const file = fileURLToPath(new URL(`../apps/${program}`, import.meta.url))
  const child = start(process.execPath, [file, ...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  child.once('exit', code => {
    process.exitCode ||= code ?? 1
    if (is_stopping()) return
    has_ended = true
    if (code !== 0 && !use_free_ports)
      console.error(`If a port is in use, npm start -- ${FREE_PORTS} picks free ones, and prints them.`)
    stop_all()
  })
  return child
}

if (unknown !== undefined) {
  console.error(
    `npm start has no option ${unknown}; its only option is ${FREE_PORTS}, as in npm start -- ${FREE_PORTS}`,
  )
  process.exitCode = 2
} else if ((await install_npm_packages()) && (await turbo(BUILD, { quiet: true })) === 0) {
  const page = start_demo(
    'browser-demo/dist/server/main.js',
    ...(use_free_ports ? ['--bind', FREE, '--ws-bind', FREE] : []),
  )
  page.once('message', url => {
    page.disconnect()
    if (!is_stopping())
      start_demo(
        'echo-demo/dist/main.js',
        'demo',
        '--page',
        String(url),
        ...(use_free_ports ? ['--bind', FREE] : []),
      )
  })
} else {
  process.exitCode = interrupted() ?? 1
}
