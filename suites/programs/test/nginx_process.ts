import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What nginx is told: beside its events, and about HTTP. */
export interface NginxConfiguration {
  readonly main?: string
  readonly http: string
}

/** An nginx in a temporary folder of its own. */
export class NginxProcess {
  readonly folder: string
  readonly #command: string
  #child: ReturnType<typeof spawn> | undefined
  #said = ''
  readonly #checks = new Set<() => void>()

  constructor(command: string) {
    this.#command = command
    this.folder = mkdtempSync(join(tmpdir(), 'bt-nginx-'))
    // Its workers may be of another user, who has to get at sockets in it.
    chmodSync(this.folder, 0o755)
  }

  /** Writes down what it is told when it starts, or reloads. */
  configure({ main = '', http }: NginxConfiguration): void {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const places = temporary.map(name => `${name}_temp_path ${this.folder}/${name};`).join('\n')
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
${places}
${http}
}
`,
    )
  }

  /** Starts it, and waits until it takes connections. */
  async start(): Promise<void> {
    const child = spawn(this.#command, ['-e', 'stderr', '-p', this.folder, '-c', 'nginx.conf'])
    this.#child = child
    this.#said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text
      for (const check of this.#checks) check()
    })
    const ended = once(child, 'close').then(() => {
      throw new Error(`nginx ended: ${this.#said}`)
    })
    ended.catch(() => {}) // of no interest once it has started
    await Promise.race([this.#workers_started(1), ended])
  }

  /** Has it take its configuration anew, in a new worker: the old one ends with its last connection. */
  async reload(): Promise<void> {
    const count = this.#workers() + 1
    this.#child?.kill('SIGHUP')
    await this.#workers_started(count)
  }

  /** Stops it at once, with all that goes through it. */
  async stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'close')
  }

  /** Stops it, and leaves nothing behind. */
  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true })
  }

  #workers(): number {
    return this.#said.split('start worker process ').length - 1
  }

  #workers_started(count: number): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        if (this.#workers() < count) return
        this.#checks.delete(check)
        resolve()
      }
      this.#checks.add(check)
      check()
    })
  }
}

/** A port of this machine that nobody listens at. */
export async function free_port(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
