// Installs and builds, then runs both demos until Ctrl-C: the page of apps/browser-demo, then the echo server of apps/echo-demo with its
// sample client, which names the page among what to try next. When one ends, so does the other. With --free-ports, they take ports that are free.
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

const given = process.argv.slice(2)
const unknown = given.find(arg => arg !== FREE_PORTS)
const is_free = given.includes(FREE_PORTS)

let has_ended = false

/** Whether the demos are ending: a second signal would end them at once. */
const is_stopping = () => has_ended || interrupted() !== undefined

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
function demo(program, ...args) {
  const file = fileURLToPath(new URL(`../apps/${program}`, import.meta.url))
  const child = start(process.execPath, [file, ...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  child.once('exit', code => {
    process.exitCode ||= code ?? 1
    if (is_stopping()) return
    has_ended = true
    if (code !== 0 && !is_free)
      console.error(`If a port is in use, npm start -- ${FREE_PORTS} takes others, and prints them.`)
    stop_all()
  })
  return child
}

if (unknown !== undefined) {
  console.error(
    `npm start has no option ${unknown}: it takes ${FREE_PORTS} alone, as in npm start -- ${FREE_PORTS}`,
  )
  process.exitCode = 2
} else if ((await install_npm_packages()) && (await turbo(BUILD, { quiet: true })) === 0) {
  const page = demo(
    'browser-demo/dist/server/main.js',
    ...(is_free ? ['--bind', FREE, '--ws-bind', FREE] : []),
  )
  page.once('message', url => {
    page.disconnect()
    if (!is_stopping())
      demo('echo-demo/dist/main.js', 'demo', '--page', String(url), ...(is_free ? ['--bind', FREE] : []))
  })
} else {
  process.exitCode = interrupted() ?? 1
}
