import { NetError } from '@bt/ws-protocol'
import { describe_url } from '@bt/ws-protocol/internal'

/** Where a server of NATS is, and what stands beside it. */
export interface ServerAddress {
  /** The host and the port, as NATS's client takes them. */
  readonly address: string
  /** Whether TLS is insisted on. */
  readonly is_tls: boolean
  /** What NATS is told of who connects, where that stands there. */
  readonly credentials: Credentials | undefined
}

/** Who connects. */
export type Credentials = { readonly user: string; readonly pass: string } | { readonly token: string }

const SCHEMES = ['nats:', 'tls:']
const HOST = /^([\w.-]+|\[[\da-f:.]+\])$/i

/**
 * Reads where a server is.
 *
 * @throws NetError `invalid_option`, with what was given but for credentials
 */
export function parse_server(given: string): ServerAddress {
  const text = given.includes('://') ? given : `nats://${given}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  const is_bare = url !== undefined && /^\/?$/.test(url.pathname) && url.search === '' && url.hash === ''
  const credentials = url && credentials_of(url)
  const is_read = is_bare && credentials !== 'not encoded'
  if (url === undefined || !is_read || !SCHEMES.includes(url.protocol) || !HOST.test(url.hostname))
    throw new NetError(
      'invalid_option',
      `nats: the option servers has ${describe_url(given)}; expected one like 'nats://127.0.0.1:4222' or 'tls://nats.example:4222', and credentials in it percent-encoded`,
    )
  return { address: `${url.hostname}:${url.port || 4222}`, is_tls: url.protocol === 'tls:', credentials }
}

function credentials_of({ username, password }: URL): Credentials | undefined | 'not encoded' {
  if (username === '' && password === '') return undefined
  try {
    const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)]
    return pass === '' ? { token: user } : { user, pass }
  } catch {
    // It holds a % that begins no letter.
    return 'not encoded'
  }
}
