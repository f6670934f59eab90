import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Front } from './front.ts'

/** How long the impatient path waits for a word of either side, in seconds. */
export const PATIENCE_SECONDS = 1

/** An nginx with a configuration and a certificate of its own; a path names the port that it leads to. */
export class Nginx implements Front {
  readonly title = ', through nginx with TLS'
  readonly #command: string
  readonly #folder: string
  readonly #plain_port: number
  readonly #secure_port: number
  #child: ReturnType<typeof spawn> | undefined

  private constructor(command: string, folder: string, plain_port: number, secure_port: number) {
    this.#command = command
    this.#folder = folder
    this.#plain_port = plain_port
    this.#secure_port = secure_port
  }

  /** Makes one in a temporary folder, on free ports; it is not started yet. */
  static async make(command: string): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'bt-nginx-'))
    make_certificate(folder)
    const [plain_port, secure_port] = [await free_port(), await free_port()]
    writeFileSync(join(folder, 'nginx.conf'), configuration(folder, plain_port, secure_port))
    return new Nginx(command, folder, plain_port, secure_port)
  }

  /** The file of the certificate, which has signed itself. */
  get certificate_path(): string {
    return join(this.#folder, 'cert.pem')
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
    return `ws://127.0.0.1:${this.#plain_port}/${port}/ws`
  }

  their_url(port: number): string {
    return `wss://localhost:${this.#secure_port}/${port}/ws`
  }

  /** Where our client reaches a server, if neither side is ever silent for longer than {@link PATIENCE_SECONDS}. */
  impatient_url(port: number): string {
    return this.our_url(port).replace(/ws$/, 'impatient')
  }

  /** Each program has its own way to be told whom to trust: Python's OpenSSL, Node and Bun, Deno. */
  env(): NodeJS.ProcessEnv {
    const path = this.certificate_path
    return { SSL_CERT_FILE: path, NODE_EXTRA_CA_CERTS: path, DENO_CERT: path }
  }
}

function make_certificate(folder: string): void {
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  // Deno takes no certificate of an authority for that of a server.
  const use = ['-addext', 'basicConstraints=critical,CA:FALSE']
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')]
  execFileSync('openssl', ['req', ...kind, ...names, ...use, ...files], { stdio: 'pipe' })
}

async function free_port(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function configuration(folder: string, plain_port: number, secure_port: number): string {
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
    listen 127.0.0.1:${plain_port};
    listen 127.0.0.1:${secure_port} ssl;
    ssl_certificate ${folder}/cert.pem;
    ssl_certificate_key ${folder}/key.pem;
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
