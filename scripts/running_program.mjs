// A program that runs beside a test: what it writes, and how it ends.
import { spawn } from 'node:child_process'

/**
 * How a program ended.
 * @typedef {object} Exit
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 */

/** A program that was started, as a process of its own. */
export class RunningProgram {
  /** What it has written so far. */
  stdout = ''
  stderr = ''
  /** Both, as they were read. */
  written = ''
  #has_ended = false
  /** @type {Set<() => void>} those who wait for something to be written */
  #checks = new Set()

  /**
   * @param {string} command
   * @param {readonly string[]} args
   * @param {import('node:child_process').SpawnOptions} [options] `stdio`, if any, is to leave pipes for the first three
   */
  constructor(command, args, options = {}) {
    /** @readonly */
    this.child = /** @type {import('node:child_process').ChildProcessWithoutNullStreams} */ (
      spawn(command, args, options)
    )
    this.child.stdout.setEncoding('utf8').on('data', text => {
      this.stdout += text
      this.#add(text)
    })
    this.child.stderr.setEncoding('utf8').on('data', text => {
      this.stderr += text
      this.#add(text)
    })
    this.child.on('error', error => this.#add(`${error}\n`))
    // A program that has ended takes no more input; how it ended is what a test looks at.
    this.child.stdin.on('error', () => {})
    /**
     * Settles when it has ended and all that it wrote was read.
     * @readonly
     * @type {Promise<Exit>}
     */
    this.exit = new Promise(resolve => {
      this.child.on('close', (code, signal) => {
        this.#has_ended = true
        this.#add('')
        resolve({ code, signal })
      })
    })
  }

  /**
   * Waits until `seen` says yes to what was written.
   * @param {(program: this) => boolean} seen
   * @returns {Promise<void>}
   */
  until(seen) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const is_seen = seen(this)
        if (!is_seen && !this.#has_ended) return
        this.#checks.delete(check)
        if (is_seen) resolve()
        else reject(new Error(`it ended too early; stdout: ${this.stdout}; stderr: ${this.stderr}`))
      }
      this.#checks.add(check)
      check()
    })
  }

  /**
   * Waits until it has written a text, or what matches; returns the first group of that, or else all of it.
   * @param {string | RegExp} wanted
   */
  async says(wanted) {
    if (typeof wanted === 'string') {
      await this.until(({ written }) => written.includes(wanted))
      return wanted
    }
    await this.until(({ written }) => wanted.test(written))
    const [all, group = all] = /** @type {RegExpExecArray} */ (wanted.exec(this.written))
    return group
  }

  /** Waits until it has ended, and returns what it has written. */
  async all_written() {
    await this.exit
    return this.written
  }

  /**
   * Writes lines to its stdin.
   * @param {...string} lines
   */
  type(...lines) {
    this.child.stdin.write(lines.map(line => `${line}\n`).join(''))
  }

  /**
   * Asks it to end, as Ctrl-C or a supervisor would, and waits until it has.
   * @param {NodeJS.Signals} [signal]
   */
  stop(signal = 'SIGTERM') {
    this.child.kill(signal)
    return this.exit
  }

  /** @param {string} text */
  #add(text) {
    this.written += text
    for (const check of this.#checks) check()
  }
}
