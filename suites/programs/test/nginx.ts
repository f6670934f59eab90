import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TlsConnectOptions } from '@bt/net'
import { type Certificate, make_certificate, our_trust, trusting } from './certificate.ts'

/** How long the impatient path waits for a word of either side, in seconds. */
const PATIENCE_SECONDS = 1

/** An nginx with a configuration and a certificate of its own; a path names the port that it leads to. */
export class Nginx {
  readonly #command: string
  readonly #folder: string
  readonly #port: number
  readonly #certificate: Certificate
  #child: ReturnType<typeof spawn> | undefined

  private constructor(command: string, folder: string, port: number, certificate: Certificate) {
    this.#command = command
    this.#folder = folder
    this.#port = port
    this.#certificate = certificate
  }

  /** Makes one in a temporary folder, on a free port; it is not started yet. */
  static async make(command: string): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'bt-nginx-'))
    const certificate = make_certificate(folder)
    const port = await free_port()
    writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, certificate))
    return new Nginx(command, folder, port, certificate)
  }

  /** Starts it, and waits until it takes connections. */
  async start(): Promise<void> {
    const child = spawn(this.#command, ['-e', 'stderr', '-p', this.#folder, '-c', 'nginx.conf'])
    this.#child = child
    let said = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (said.includes('start worker process ')) resolve()
      })
      child.once('close', () => reject(new Error(`nginx did not start: ${said}`)))
    })
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
    rmSync(this.#folder, { recursive: true })
  }

  our_url(port: number): string {
    return `wss://127.0.0.1:${this.#port}/${port}/ws`
  }

  their_url(port: number): string {
    return `wss://localhost:${this.#port}/${port}/ws`
  }

  /** Where our client reaches a server, if neither side is ever silent for longer than {@link PATIENCE_SECONDS}. */
  impatient_url(port: number): string {
    return `wss://127.0.0.1:${this.#port}/${port}/impatient`
  }

  our_tls(): TlsConnectOptions {
    return our_trust(this.#certificate)
  }

  env(): NodeJS.ProcessEnv {
    return trusting(this.#certificate)
  }
}

async function free_port(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function configuration(folder: string, port: number, { cert_path, key_path }: Certificate): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr notice;
events {}
http {
  access_log off;
  ${temporary.map(name => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${cert_path};
    ssl_certificate_key ${key_path};
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection Upgrade;
    location ~ ^/(?<port>[0-9]+)/ws$ {
      proxy_pass http://127.0.0.1:$port/ws;
    }
    location ~ ^/(?<port>[0-9]+)/impatient$ {
      proxy_pass http://127.0.0.1:$port/ws;
      proxy_read_timeout ${PATIENCE_SECONDS}s;
    }
  }
}
`
}
