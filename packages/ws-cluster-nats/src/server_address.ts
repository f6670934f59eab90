import { NetError } from '@bt/ws-protocol'
import { describe_url } from '@bt/ws-protocol/internal'

/** A parsed entry of `servers`. */
export interface ServerAddress {
  /** `host:port`, as NATS's client expects it. */
  readonly address: string
  /** Whether the scheme requires TLS. */
  readonly is_tls: boolean
  readonly credentials: Credentials | undefined
}

export type Credentials = { readonly user: string; readonly pass: string } | { readonly token: string }

const SCHEMES = ['nats:', 'tls:']
const HOST = /^([\w.-]+|\[[\da-f:.]+\])$/i

/**
 * Parses the address of a server.
 *
 * @throws NetError `invalid_option`, which shows the address without its credentials
 */
export function parse_server(given: string): ServerAddress {
  const text = given.includes('://') ? given : `nats://${given}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  const is_bare = url !== undefined && /^\/?$/.test(url.pathname) && url.search === '' && url.hash === ''
  const credentials = url && credentials_of(url)
  const is_valid = is_bare && credentials !== 'not encoded'
  if (url === undefined || !is_valid || !SCHEMES.includes(url.protocol) || !HOST.test(url.hostname))
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
    // A % is not followed by two hexadecimal digits, or they are not UTF-8.
    return 'not encoded'
  }
}
