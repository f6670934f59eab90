// Installs and builds, then runs both demos until Ctrl-C: the page of apps/browser-demo, then the echo server of apps/echo-demo with its
// sample client, which names the page among what to try next. When one ends, so does the other.
import { fileURLToPath } from 'node:url'
import { interrupted, start, stop_all } from './children.mjs'
import { install_npm_packages } from './npm_packages.mjs'
import { turbo } from './turbo.mjs'

const BUILD = [
  ...['run', 'build', '--filter=@bt/echo-demo', '--filter=@bt/browser-demo'],
  ...['--output-logs=errors-only', '--log-prefix=none'],
]

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
    stop_all()
  })
  return child
}

if ((await install_npm_packages()) && (await turbo(BUILD, { quiet: true })) === 0) {
  const page = demo('browser-demo/dist/server/main.js')
  page.once('message', url => {
    page.disconnect()
    if (!is_stopping()) demo('echo-demo/dist/main.js', 'demo', '--page', String(url))
  })
} else {
  process.exitCode = interrupted() ?? 1
}
