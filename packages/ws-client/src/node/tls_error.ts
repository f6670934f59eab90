import type { Socket } from 'node:net'
import type { ConnectionOptions as SecureSettings } from 'node:tls'
import { NetError } from '@bt/ws-protocol'
import { describe_value } from '@bt/ws-protocol/internal'

/** How far a connection over TLS has come: TCP, then TLS, then HTTP. */
export type TlsStage = 'connecting' | 'securing' | 'secure'

/** What is known of a connection over TLS that did not open. */
export interface FailedTls {
  /** Where it led, as it may be shown. */
  readonly url: string
  /** The host name or address that the server's certificate had to be for. */
  readonly host: string
  /** How far it came. */
  readonly stage: TlsStage
  /** Whether the client has a certificate. */
  readonly has_certificate: boolean
}

/** An error of Node's about the other end's certificate, or of OpenSSL. */
interface TlsError extends Error {
  readonly code?: string
  /** OpenSSL's own words. */
  readonly reason?: string
  /** The certificate that is for other names. */
  readonly cert?: { readonly subjectaltname?: string }
}

/** What is wrong, and what to do. */
type Diagnosis = readonly [what: string, advice: string]

/** Follows how far a socket of TLS comes; what is returned puts into words why it did not open, if it was TLS that failed. */
export function explain_tls(
  stream: Socket,
  url: string,
  { servername, host = '', cert }: SecureSettings,
): (error: Error) => NetError | undefined {
  let stage: TlsStage = 'connecting'
  stream.once('connect', () => {
    stage = 'securing'
  })
  stream.once('secureConnect', () => {
    stage = 'secure'
  })
  return error =>
    tls_error(error, { url, host: servername || host, stage, has_certificate: cert !== undefined })
}

/** Puts into words why TLS failed; `undefined` when it was not TLS that did. */
export function tls_error(error: Error, failed: FailedTls): NetError | undefined {
  const diagnosis = failed.stage === 'connecting' ? undefined : diagnose(error, failed)
  if (diagnosis === undefined) return undefined
  const [what, advice] = diagnosis
  const message = `connect: ${failed.url} failed in TLS: ${what}; ${advice}`
  return new NetError('tls_failed', message, { cause: error })
}

function diagnose(error: TlsError, { stage, host, has_certificate }: FailedTls): Diagnosis | undefined {
  const { code = '' } = error
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return wrong_name(error, host)
  const said = `${code}: ${words_of(error)}`
  const known = DIAGNOSES.find(([pattern]) => pattern.test(said))
  if (known !== undefined) return known[1]
  const is_end = code === 'ECONNRESET' || code === 'EPIPE'
  if (stage === 'securing') return is_end ? HUNG_UP : [said, 'check the certificates of both sides']
  // In TLS 1.3, a client hears only afterwards what the server thinks of its certificate (RFC 8446 §4.4.2.4).
  if (is_end) return has_certificate ? CERTIFICATE_REFUSED : undefined
  return /^(ERR_SSL_|EPROTO)/.test(code) ? [said, 'check the settings of TLS on both sides'] : undefined
}

const HUNG_UP: Diagnosis = [
  'the server hung up in the middle of the TLS handshake',
  'check that it speaks TLS, and whether it asks for a client certificate: tls: { cert, key }',
]
const CERTIFICATE_REFUSED: Diagnosis = [
  'the server does not take the client certificate, or so it seems',
  'give one that is valid, and comes from an authority that the server knows',
]
const UNKNOWN_AUTHORITY: Diagnosis = [
  "the server's certificate comes from an authority that is not known here",
  "give that authority's certificate as tls: { ca }, or let the server send those in between along",
]

/** What Node's codes for certificates (OpenSSL's X509_V_ERR_…) and OpenSSL's own words mean. */
const DIAGNOSES: readonly (readonly [RegExp, Diagnosis])[] = [
  [
    /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|SELF_SIGNED_CERT_IN_CHAIN)/,
    UNKNOWN_AUTHORITY,
  ],
  [
    /^DEPTH_ZERO_SELF_SIGNED_CERT/,
    ["the server's certificate is signed by itself", 'if it is yours, give it as tls: { ca }'],
  ],
  [
    /^CERT_HAS_EXPIRED/,
    ["the server's certificate has expired", "renew it there; or this machine's clock is wrong"],
  ],
  [
    /^CERT_NOT_YET_VALID/,
    ["the server's certificate is not valid yet", "compare the clocks of this machine and the server's"],
  ],
  [
    /wrong version number|packet length too long|record layer failure/,
    ['what answers there does not speak TLS', 'write ws: instead of wss:, or check the port'],
  ],
  [
    /alert certificate required/,
    ['the server asks for a client certificate', 'give it as tls: { cert, key }'],
  ],
  [
    /alert handshake failure/,
    [
      'the server refused (handshake failure)',
      'it may ask for a client certificate, tls: { cert, key }; or both sides have no cipher in common',
    ],
  ],
  [
    /alert (unknown ca|(bad|unsupported) certificate|certificate (unknown|expired|revoked)|access denied)/,
    CERTIFICATE_REFUSED,
  ],
  [
    /protocol version|unsupported protocol/,
    ['both sides have no version of TLS in common', 'see min_version of either side'],
  ],
  [
    /no application protocol/,
    ['the server does not speak HTTP/1.1 there, which every WebSocket begins with', 'check the port'],
  ],
]

/** How much of the names in a certificate is shown, in characters: it may be for any number of hosts. */
const LONGEST_NAMES = 300

function wrong_name({ cert }: TlsError, host: string): Diagnosis {
  const names = cert?.subjectaltname ?? 'no host'
  return [
    `the server's certificate is for ${describe_value(names, LONGEST_NAMES)}, and not for ${host}`,
    'connect to a host that it is for, or name that as tls: { servername }',
  ]
}

/** OpenSSL's words, without where in its sources they were said. */
function words_of({ reason, message }: TlsError): string {
  return reason ?? /:error:[\dA-F]+:[^:]*:[^:]*:([^:]*):/.exec(message)?.[1] ?? message
}
