// Runs the child processes of a script, and passes the signals on that end the script. Each child has its own
// process group, so that it gets a signal only from this process: Ctrl-C in a terminal would reach a whole
// group, and npm forwards the same signal again.
import { spawn } from 'node:child_process'

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])

/** Within this time after the first signal, another one counts as the same signal, forwarded by npm. */
const SAME_SIGNAL_MS = 500

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

/** @type {{ readonly signal: NodeJS.Signals, readonly at: number } | undefined} */
let interruption

for (const signal of SIGNALS)
  process.on(signal, () => {
    if (interruption === undefined) {
      interruption = { signal, at: Date.now() }
      for (const child of running) send(child, signal)
    } else if (Date.now() - interruption.at > SAME_SIGNAL_MS) {
      for (const child of running) send(child, 'SIGKILL')
    }
  })

/** Returns the exit code that shells use for the signal that this process got, or `undefined` without one. */
export function interrupted() {
  if (interruption === undefined) return undefined
  return { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[/** @type {string} */ (interruption.signal)]
}

/**
 * Starts a program, which gets every signal that this process gets.
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

/** Sends SIGTERM to all running programs. */
export function stop_all() {
  for (const child of running) send(child, 'SIGTERM')
}

/**
 * Runs a program to its end, and returns its exit code and its output, unless that is inherited.
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
 * Sends a signal to the process group of a program.
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function send(child, signal) {
  if (process.platform === 'win32' || child.pid === undefined) child.kill(signal)
  else
    try {
      process.kill(-child.pid, signal)
    } catch {
      // The group has already ended.
    }
}
