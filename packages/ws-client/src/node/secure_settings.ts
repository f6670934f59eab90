import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, type PeerCertificate } from 'node:tls'
import { NetError } from '@bt/ws-protocol'
import {
  type CheckedOptions,
  certificates_rule,
  check_options,
  key_rule,
  min_version_rule,
  type OptionRules,
  passphrase_rule,
  shown_url,
} from '@bt/ws-protocol/internal'
import { secure_options } from '@bt/ws-protocol/internal/node'
import type { AttemptOptions } from '../client/attempt_options.js'
import type { TlsConnectOptions } from '../client/tls_options.js'

type FilledTlsOption = 'min_version' | 'reject_unauthorized'

const tls_rules: OptionRules<TlsConnectOptions, FilledTlsOption> = {
  ca: certificates_rule,
  cert: certificates_rule,
  key: key_rule,
  passphrase: passphrase_rule,
  min_version: min_version_rule,
  servername: {
    expects: 'a host name; an IP address can not be asked for (RFC 6066 §3)',
    accepts: value => typeof value === 'string' && value !== '' && isIP(value) === 0,
  },
  reject_unauthorized: {
    fallback: true,
    expects: 'true or false',
    accepts: value => typeof value === 'boolean',
  },
}

const WHERE = 'connect, in the option tls'

/** The option `tls`, checked, with its certificates read. */
export interface TlsIdentitySettings {
  readonly servername: string | undefined
  readonly options: ConnectionOptions
}

/**
 * Checks the option `tls`, and reads its certificates.
 *
 * @throws NetError `invalid_option` for an invalid certificate or key
 */
export function tls_settings(tls: TlsConnectOptions = {}): TlsIdentitySettings {
  const settings = check_options(WHERE, tls, tls_rules)
  check_identity(settings)
  return {
    servername: settings.servername,
    options: { ...secure_options(WHERE, settings), rejectUnauthorized: settings.reject_unauthorized },
  }
}

/**
 * Returns the options of `tls.connect` except for the address, or `undefined` for a URL without TLS.
 *
 * @throws NetError `invalid_option` for `tls` with a URL that is not `wss:`
 */
export function secure_settings(
  { url, tls }: Pick<AttemptOptions, 'url' | 'tls'>,
  { servername, options }: TlsIdentitySettings,
): ConnectionOptions | undefined {
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'wss:') {
    if (tls === undefined) return undefined
    const message = `connect: the option tls is for a wss: url, and the url is ${shown_url(url)}; write wss:, or leave tls out`
    throw new NetError('invalid_option', message)
  }
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const identity = servername ?? host
  return {
    ...options,
    host,
    ALPNProtocols: ['http/1.1'],
    servername: servername ?? (isIP(host) === 0 ? host : ''),
    // Some agents do not pass on an IP address, and Node would compare the certificate with another host.
    checkServerIdentity: (_host, certificate) => check_host(identity, certificate),
  }
}

/** Matches an IPv6 address by OpenSSL, because some versions of Node 22 never find one in a certificate. */
function check_host(host: string, certificate: PeerCertificate): Error | undefined {
  const is_found = isIP(host) === 6 && new X509Certificate(certificate.raw).checkIP(host) !== undefined
  return is_found ? undefined : checkServerIdentity(host, certificate)
}

function check_identity(given: CheckedOptions<TlsConnectOptions, FilledTlsOption>): void {
  const { cert, key, passphrase } = given
  const missing =
    key === undefined
      ? cert !== undefined || passphrase !== undefined
        ? 'key'
        : undefined
      : cert === undefined
        ? 'cert'
        : undefined
  if (missing === undefined) return
  const message = `${WHERE}: ${missing} is missing; a client certificate is cert and key together`
  throw new NetError('invalid_option', message)
}
