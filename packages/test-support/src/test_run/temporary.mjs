// @ts-check
// The temporary folders of a run of tests, and what the run has left behind: folders and processes.
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { package_folders } from './results.mjs'

/** How long what is about to end may take. */
const PATIENCE_MS = 5_000

/** How the name of a folder begins that tests make in the work tree; git ignores such folders. */
const IN_WORK_TREE = '.tmp-'

/** How the name of the folder of a run begins. Short, since the path of a Unix socket has at most 107 bytes. */
const RUN = 'bt-'

/**
 * Makes a temporary folder, which is deleted at the latest when this process exits, or when the run ends.
 * @param {string} name
 * @param {string} [parent] a folder of the work tree, for files that import packages of the workspace
 * @returns {string}
 */
export function temporary_folder(name, parent) {
  const start =
    parent === undefined ? join(tmpdir(), name) : join(parent, `${IN_WORK_TREE}${basename(tmpdir())}-${name}`)
  const folder = mkdtempSync(`${start}-`)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The temporary folder of a run, for all processes that are started while it is open. */
export class RunFolder {
  #path
  #outer = process.env.TMPDIR

  constructor() {
    const within = basename(tmpdir())
    // The name of a run within another one begins with the name of that.
    this.#path = mkdtempSync(join(tmpdir(), within.startsWith(RUN) ? `${within}-` : RUN))
    // A server that drops its rights, such as nginx, has to get through to what is below.
    chmodSync(this.#path, 0o711)
    process.env.TMPDIR = this.#path
  }

  /**
   * Ends and removes what the run has left behind, and returns what that was.
   * @param {{ readonly is_interrupted: boolean }} run one that is interrupted does not wait for its processes to end by themselves
   * @returns {string[]}
   */
  close({ is_interrupted }) {
    if (this.#outer === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = this.#outer
    const processes = this.#processes_that_stay(is_interrupted ? 0 : PATIENCE_MS)
    for (const { pid } of processes) kill(pid)
    const own_name = IN_WORK_TREE + basename(this.#path)
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
   * The processes of this run that have not ended after a while.
   * @param {number} patience_ms
   */
  #processes_that_stay(patience_ms) {
    const deadline = Date.now() + patience_ms
    for (;;) {
      const left = processes_with(`TMPDIR=${this.#path}`)
      if (left.length === 0 || Date.now() >= deadline) return left
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
    }
  }
}

/**
 * The processes that have been started with an environment variable, or one that goes on with a slash; none where there is no /proc.
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
      // It has ended, or belongs to another user.
      return []
    }
  })
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
