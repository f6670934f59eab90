import type { TlsConnectOptions } from '@bt/net'

/** How clients reach a server on a port of this machine: directly, or through a proxy. */
export interface ServerAccess {
  /** Appended to the titles of test groups. */
  readonly title: string
  /** Returns the URL for our client. */
  our_url(port: number): string
  /** Returns the URL for a client of the program under test. */
  peer_url(port: number): string
  /** Returns the TLS options of our client. */
  our_tls(): TlsConnectOptions | undefined
  /** Returns environment variables for the program under test. */
  peer_env(): NodeJS.ProcessEnv
}

/** Clients connect to the server itself. */
export const DIRECT: ServerAccess = {
  title: '',
  our_url: url_of,
  peer_url: url_of,
  our_tls: () => undefined,
  peer_env: () => ({}),
}

function url_of(port: number): string {
  return `ws://127.0.0.1:${port}/ws`
}
