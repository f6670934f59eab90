import type { TlsConnectOptions } from '@bt/net'
import { type Certificate, make_certificate, our_trust, trusting } from './certificate.ts'
import { free_port, NginxProcess } from './nginx_process.ts'

/** How long the impatient path waits for a word of either side, in seconds. */
const PATIENCE_SECONDS = 1

/** An nginx with a certificate of its own; a path names the port that it leads to. */
export class Nginx {
  readonly #process: NginxProcess
  readonly #port: number
  readonly #certificate: Certificate

  private constructor(process: NginxProcess, port: number, certificate: Certificate) {
    this.#process = process
    this.#port = port
    this.#certificate = certificate
  }

  /** Makes one on a free port; it is not started yet. */
  static async make(command: string): Promise<Nginx> {
    const process = new NginxProcess(command)
    const certificate = make_certificate(process.folder)
    const port = await free_port()
    process.configure({ http: paths_to_ports(port, certificate) })
    return new Nginx(process, port, certificate)
  }

  /** Starts it, and waits until it takes connections. */
  start(): Promise<void> {
    return this.#process.start()
  }

  /** Stops it at once, with all that goes through it. */
  stop(): Promise<void> {
    return this.#process.stop()
  }

  /** Stops it, and leaves nothing behind. */
  remove(): Promise<void> {
    return this.#process.remove()
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

function paths_to_ports(port: number, { cert_path, key_path }: Certificate): string {
  return `
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
  }`
}
