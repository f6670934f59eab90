// Programs that a script runs, and ends in order when the script itself is to end. Each has a process group of its own, so that a signal
// reaches it once and by one way: from this process. Ctrl-C at a terminal reaches this process as well, and npm passes it on once more.
import { spawn } from 'node:child_process'

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])

/** A signal that comes so soon after the first is the same one, by another way. */
const SAME_MS = 500

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

/** @type {{ readonly signal: NodeJS.Signals, readonly at: number } | undefined} */
let interruption

for (const signal of SIGNALS)
  process.on(signal, () => {
    if (interruption === undefined) {
      interruption = { signal, at: Date.now() }
      for (const child of running) send(child, signal)
    } else if (Date.now() - interruption.at > SAME_MS) {
      for (const child of running) send(child, 'SIGKILL')
    }
  })

/** Returns the exit code of this process if a signal has ended it, as shells have it; `undefined` if there was none. */
export function interrupted() {
  if (interruption === undefined) return undefined
  return { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[/** @type {string} */ (interruption.signal)]
}

/**
 * Starts a program.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export function start(command, args, options = {}) {
  const child = spawn(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: process.platform !== 'win32',
    ...options,
  })
  running.add(child)
  child.once('error', () => running.delete(child))
  child.once('exit', () => running.delete(child))
  if (interruption !== undefined) send(child, interruption.signal)
  return child
}

/** Asks all programs that run to end. */
export function stop_all() {
  for (const child of running) send(child, 'SIGTERM')
}

/**
 * Runs a program to its end, and returns its exit code, and what it wrote to pipes.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<{ readonly code: number, readonly output: string }>}
 */
export async function run(command, args, options) {
  if (interruption !== undefined) return { code: 1, output: '' }
  const child = start(command, args, options)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', text => {
      output += text
    })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ code: code ?? 1, output }))
  })
}

/**
 * Signals a program, and what it has started in its group.
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function send(child, signal) {
  if (process.platform === 'win32' || child.pid === undefined) child.kill(signal)
  else
    try {
      process.kill(-child.pid, signal)
    } catch {
      // It has ended.
    }
}
