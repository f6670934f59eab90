import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Parts of nginx.conf. */
export interface NginxConfiguration {
  /** Lines outside the blocks `events` and `http`. */
  readonly main?: string
  /** The content of the block `http`. */
  readonly http: string
}

/** An nginx in a temporary folder. */
export class NginxProcess {
  readonly folder: string
  readonly #command: string
  #child: ReturnType<typeof spawn> | undefined
  #log = ''
  readonly #checks = new Set<() => void>()

  constructor(command: string) {
    this.#command = command
    this.folder = mkdtempSync(join(tmpdir(), 'bt-nginx-'))
    // The workers may run as another user, and need access to sockets in the folder.
    chmodSync(this.folder, 0o755)
  }

  /** Writes the configuration, which takes effect at the next start or reload. */
  configure({ main = '', http }: NginxConfiguration): void {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const temporary_paths = temporary.map(name => `${name}_temp_path ${this.folder}/${name};`).join('\n')
    writeFileSync(
      join(this.folder, 'nginx.conf'),
      `daemon off;
worker_processes 1;
pid ${this.folder}/nginx.pid;
error_log stderr notice;
${main}
events {}
http {
access_log off;
${temporary_paths}
${http}
}
`,
    )
  }

  /** Starts nginx, and waits until it accepts connections. */
  async start(): Promise<void> {
    const child = spawn(this.#command, ['-e', 'stderr', '-p', this.folder, '-c', 'nginx.conf'])
    this.#child = child
    this.#log = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text
      for (const check of this.#checks) check()
    })
    const ended = once(child, 'close').then(() => {
      throw new Error(`nginx ended: ${this.#log}`)
    })
    // Once nginx has started, it may end without failing the test.
    ended.catch(() => {})
    await Promise.race([this.#wait_for_workers(1), ended])
  }

  /** Reloads the configuration in a new worker; the old worker ends with its last connection. */
  async reload(): Promise<void> {
    const count = this.#worker_starts() + 1
    this.#child?.kill('SIGHUP')
    await this.#wait_for_workers(count)
  }

  /** Stops nginx at once, and cuts its connections. */
  async stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'close')
  }

  /** Stops nginx, and deletes its folder. */
  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true })
  }

  #worker_starts(): number {
    return this.#log.split('start worker process ').length - 1
  }

  #wait_for_workers(count: number): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        if (this.#worker_starts() < count) return
        this.#checks.delete(check)
        resolve()
      }
      this.#checks.add(check)
      check()
    })
  }
}
