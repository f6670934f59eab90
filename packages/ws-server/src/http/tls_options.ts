import { NetError, type TlsIdentity, type TlsTrust } from '@bt/ws-protocol'
import {
  type CheckedOptions,
  certificates_rule,
  check_options,
  identity_rules,
  min_version_rule,
  type OptionRules,
} from '@bt/ws-protocol/internal'

/** Whether clients have to present a certificate. */
export type ClientCertificates = 'none' | 'optional' | 'required'

/**
 * Settings of TLS, for `wss:`, all read when `listen` is called. For anything else, such as other ciphers, or
 * certificates that are renewed without a restart, share an `https.Server` of your own.
 */
export interface TlsListenOptions extends TlsIdentity, TlsTrust {
  /**
   * Whether to ask clients for a certificate, which has to come from an authority in `ca`, and is shown as
   * `request.certificate`. `'optional'` also admits clients without one; an invalid one is refused either
   * way. @defaultValue `'none'`
   */
  readonly client_certificates?: ClientCertificates | undefined
  /**
   * Certificates for other names of this server, by host name; `'*.example.com'` covers every name one label
   * longer (RFC 6125 §6.4.3). A client that asks for none of them, or for no name at all, gets `cert`.
   * @defaultValue none
   */
  readonly sni?: Readonly<Record<string, TlsIdentity>> | undefined
}

type FilledTlsOption = 'cert' | 'key' | 'client_certificates' | 'min_version' | 'sni'

/** The options of TLS, checked and filled in. */
export type TlsListenSettings = CheckedOptions<TlsListenOptions, FilledTlsOption>

/** Names the option `tls` in error messages. */
export const TLS_WHERE = 'listen, in the option tls'

const CLIENT_CERTIFICATES: readonly unknown[] = [
  'none',
  'optional',
  'required',
] satisfies ClientCertificates[]
const SERVER_NAME = /^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i

const tls_rules: OptionRules<TlsListenOptions, FilledTlsOption> = {
  ...identity_rules,
  ca: certificates_rule,
  min_version: min_version_rule,
  client_certificates: {
    fallback: 'none',
    expects: "'none', 'optional' or 'required'",
    accepts: value => CLIENT_CERTIFICATES.includes(value),
  },
  sni: {
    fallback: {},
    expects: "an object of { cert, key } by host name, such as 'example.com' or '*.example.com'",
    accepts: value =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.keys(value).every(name => SERVER_NAME.test(name)),
  },
}

/** Checks the options of TLS, except for the contents of certificates and keys. */
export function check_tls(given: TlsListenOptions): TlsListenSettings {
  const settings = check_options(TLS_WHERE, given, tls_rules)
  const { ca, client_certificates, sni } = settings
  if ((client_certificates === 'none') !== (ca === undefined)) {
    throw new NetError(
      'invalid_option',
      ca === undefined
        ? `${TLS_WHERE}: client_certificates is '${client_certificates}', and ca is missing; give the certificate of the authority that issues them`
        : `${TLS_WHERE}: ca is for the certificates of clients, and client_certificates is 'none'; set it to 'required' or 'optional', or leave ca out`,
    )
  }
  for (const [name, identity] of Object.entries(sni)) {
    check_options(sni_where(name), identity, identity_rules)
  }
  return settings
}

/** Names an entry of `sni` in error messages. */
export function sni_where(name: string): string {
  return `${TLS_WHERE}, in sni for ${name}`
}
