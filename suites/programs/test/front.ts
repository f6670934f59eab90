import type { TlsConnectOptions } from '@bt/net'

/** What clients reach in place of a server itself. */
export interface Front {
  /** What it is, behind the title of a group of tests. */
  readonly title: string
  /** Where our client reaches the server on a port of this machine. */
  our_url(port: number): string
  /** Where their client reaches it. */
  their_url(port: number): string
  /** What our client is told of TLS. */
  our_tls(): TlsConnectOptions | undefined
  /** What is in the environment of a program of theirs. */
  env(): NodeJS.ProcessEnv
}

/** Nothing in between. */
export const DIRECT: Front = {
  title: '',
  our_url: url_of,
  their_url: url_of,
  our_tls: () => undefined,
  env: () => ({}),
}

function url_of(port: number): string {
  return `ws://127.0.0.1:${port}/ws`
}
