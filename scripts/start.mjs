// Runs both demos until Ctrl-C: the page of apps/browser-demo, then the echo server of apps/echo-demo with its sample client, which
// names the page among what to try next. When one ends, so does the other. Needs a build.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const running = new Set()
let is_stopping = false

function start(program, ...args) {
  const child = fork(fileURLToPath(new URL(`../apps/${program}`, import.meta.url)), args)
  running.add(child)
  child.once('exit', code => {
    running.delete(child)
    process.exitCode ||= code ?? 1
    if (!is_stopping) stop()
  })
  return child
}

function stop() {
  is_stopping = true
  for (const child of running) child.kill('SIGTERM')
}

// A terminal's Ctrl-C reaches the demos as well, and they stop in order: that is waited for. A second signal would end them at once.
process.on('SIGINT', () => {
  is_stopping = true
})
process.on('SIGTERM', stop)

const page = start('browser-demo/dist/server/main.js')
page.once('message', url => {
  page.disconnect()
  if (!is_stopping) start('echo-demo/dist/main.js', 'demo', '--page', url)
})
