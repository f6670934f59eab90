import type { TlsConnectOptions } from '@bt/net'
import { free_port } from '@bt/test-support/free_port'
import { type Certificate, create_certificate, trust_options, trust_variables } from './certificate.ts'
import { NginxProcess } from './nginx_process.ts'

/** The timeout of the path `/PORT/short_timeout`. */
const READ_TIMEOUT_SECONDS = 1

/** An nginx that accepts TLS connections, and passes them on to the port that the URL's path starts with. */
export class TlsProxy {
  readonly #process: NginxProcess
  readonly #port: number
  readonly #certificate: Certificate

  private constructor(process: NginxProcess, port: number, certificate: Certificate) {
    this.#process = process
    this.#port = port
    this.#certificate = certificate
  }

  /** Creates a proxy with its own certificate and a free port, without starting it. */
  static async create(command: string): Promise<TlsProxy> {
    const process = new NginxProcess(command)
    const certificate = create_certificate(process.folder)
    const port = await free_port()
    process.configure({ http: http_configuration(port, certificate) })
    return new TlsProxy(process, port, certificate)
  }

  /** Starts the proxy, and waits until it accepts connections. */
  start(): Promise<void> {
    return this.#process.start()
  }

  /** Stops the proxy at once, and cuts its connections. */
  stop(): Promise<void> {
    return this.#process.stop()
  }

  /** Stops the proxy, and deletes its files. */
  remove(): Promise<void> {
    return this.#process.remove()
  }

  our_url(port: number): string {
    return `wss://127.0.0.1:${this.#port}/${port}/ws`
  }

  peer_url(port: number): string {
    return `wss://localhost:${this.#port}/${port}/ws`
  }

  /** Returns a URL whose connections nginx ends after {@link READ_TIMEOUT_SECONDS} without traffic. */
  short_timeout_url(port: number): string {
    return `wss://127.0.0.1:${this.#port}/${port}/short_timeout`
  }

  our_tls(): TlsConnectOptions {
    return trust_options(this.#certificate)
  }

  peer_env(): NodeJS.ProcessEnv {
    return trust_variables(this.#certificate)
  }
}

function http_configuration(port: number, { cert_path, key_path }: Certificate): string {
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
    location ~ ^/(?<port>[0-9]+)/short_timeout$ {
      proxy_pass http://127.0.0.1:$port/ws;
      proxy_read_timeout ${READ_TIMEOUT_SECONDS}s;
    }
  }`
}
