// @ts-check
// The temporary folders of a test run, and the folders and processes that it has left behind.
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { package_folders } from './results.mjs'

/** How long processes may take to exit after the tests. */
const EXIT_TIMEOUT_MS = 5_000

/** The prefix of temporary folders in the work tree, which git ignores. */
const WORK_TREE_PREFIX = '.tmp-'

/** The prefix of a run's folder. It is short because the path of a Unix socket has at most 107 bytes. */
const RUN_PREFIX = 'bt-'

/**
 * Creates a temporary folder, which is deleted when this process exits or the run ends, if not before.
 * @param {string} name
 * @param {string} [parent] a folder of the work tree, for files that import packages of the workspace
 * @returns {string}
 */
export function temporary_folder(name, parent) {
  const prefix =
    parent === undefined
      ? join(tmpdir(), name)
      : join(parent, `${WORK_TREE_PREFIX}${basename(tmpdir())}-${name}`)
  const folder = mkdtempSync(`${prefix}-`)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The temporary folder of a run. While it is open, it is the TMPDIR of all processes that are started. */
export class RunFolder {
  #path
  #outer = process.env.TMPDIR

  constructor() {
    const outer_name = basename(tmpdir())
    // The folder of a nested run begins with the name of the outer run's folder.
    this.#path = mkdtempSync(
      join(tmpdir(), outer_name.startsWith(RUN_PREFIX) ? `${outer_name}-` : RUN_PREFIX),
    )
    // A server that drops its privileges, such as nginx, has to reach the files inside.
    chmodSync(this.#path, 0o711)
    process.env.TMPDIR = this.#path
  }

  /**
   * Kills the processes and deletes the folders that the run has left behind, and returns their descriptions.
   * @param {{ readonly is_interrupted: boolean }} run if so, processes get no time to exit
   * @returns {string[]}
   */
  close({ is_interrupted }) {
    if (this.#outer === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = this.#outer
    const processes = this.#remaining_processes(is_interrupted ? 0 : EXIT_TIMEOUT_MS)
    for (const { pid } of processes) kill(pid)
    const own_name = WORK_TREE_PREFIX + basename(this.#path)
    const folders = [
      ...readdirSync(this.#path).map(name => join(this.#path, name)),
      ...package_folders().flatMap(folder =>
        readdirSync(folder)
          .filter(name => name.startsWith(own_name))
          .map(name => join(folder, name)),
      ),
    ]
    for (const folder of [...folders, this.#path])
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    return [
      ...processes.map(({ pid, command }) => `process ${pid} (${command})`),
      ...folders.map(folder => `folder ${folder}`),
    ]
  }

  /**
   * Returns the processes of this run that have not exited within a timeout.
   * @param {number} timeout_ms
   */
  #remaining_processes(timeout_ms) {
    const deadline = Date.now() + timeout_ms
    for (;;) {
      const left = processes_with(`TMPDIR=${this.#path}`)
      if (left.length === 0 || Date.now() >= deadline) return left
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
    }
  }
}

/**
 * Returns the processes that were started with an environment variable, or with a path below its value.
 * Without /proc, returns none.
 * @param {string} variable
 */
function processes_with(variable) {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc').flatMap(pid => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return []
    try {
      const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
      if (!variables.some(each => each === variable || each.startsWith(`${variable}/`))) return []
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      return [{ pid: Number(pid), command: command.slice(0, 200) }]
    } catch {
      // The process has exited, or belongs to another user.
      return []
    }
  })
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // The process has exited by itself.
  }
}
