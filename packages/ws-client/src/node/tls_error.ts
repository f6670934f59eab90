import type { Duplex } from 'node:stream'
import { type ConnectionOptions as SecureSettings, TLSSocket } from 'node:tls'
import { NetError } from '@bt/ws-protocol'
import { describe_value } from '@bt/ws-protocol/internal'

/** The stage of a connection over TLS: TCP, then the TLS handshake, then HTTP. */
export type TlsStage = 'connecting' | 'securing' | 'secure'

/** A connection over TLS that failed to open. */
export interface FailedTls {
  /** The URL to show in errors. */
  readonly url: string
  /** The host name or address that the server's certificate has to match. */
  readonly host: string
  /** The stage in which it failed. */
  readonly stage: TlsStage
  /** Whether the client has a certificate. */
  readonly has_certificate: boolean
}

/** An error of Node about the server's certificate, or of OpenSSL. */
interface TlsError extends Error {
  readonly code?: string
  /** The text of OpenSSL. */
  readonly reason?: string
  /** The certificate, if it does not match the host. */
  readonly cert?: { readonly subjectaltname?: string }
}

/** What the types of Node lack. */
type SecuringSocket = TLSSocket & { readonly secureConnecting?: boolean }

type Diagnosis = readonly [what: string, advice: string]

/**
 * Watches the stages of a TLS socket, which an agent may have connected already. Returns a function that makes
 * the error for the user if it was TLS that failed.
 */
export function watch_tls(
  stream: Duplex,
  url: string,
  { servername, host = '', cert }: SecureSettings,
): (error: Error) => NetError | undefined {
  let stage = stage_of(stream)
  stream.once('connect', () => {
    stage = 'securing'
  })
  stream.once('secureConnect', () => {
    stage = 'secure'
  })
  return error =>
    tls_error(error, { url, host: servername || host, stage, has_certificate: cert !== undefined })
}

function stage_of(stream: Duplex): TlsStage {
  if (!(stream instanceof TLSSocket)) return 'secure'
  if (stream.connecting) return 'connecting'
  return (stream as SecuringSocket).secureConnecting ? 'securing' : 'secure'
}

/** Explains why TLS failed. Returns `undefined` if something else failed. */
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
  const code_and_text = `${code}: ${openssl_text(error)}`
  const known = DIAGNOSES.find(([pattern]) => pattern.test(code_and_text))
  if (known !== undefined) return known[1]
  const is_end = code === 'ECONNRESET' || code === 'EPIPE'
  if (stage === 'securing')
    return is_end ? CLOSED_EARLY : [code_and_text, 'check the certificates of both sides']
  // In TLS 1.3, the server rejects a client certificate only after the client's handshake is complete (RFC
  // 8446 §4.4.2.4).
  if (is_end) return has_certificate ? CERTIFICATE_REFUSED : undefined
  return /^(ERR_SSL_|EPROTO)/.test(code)
    ? [code_and_text, 'check the settings of TLS on both sides']
    : undefined
}

const CLOSED_EARLY: Diagnosis = [
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

/**
 * Explanations of Node's codes for certificates, which are OpenSSL's X509_V_ERR_…, and of OpenSSL's texts,
 * for which Node has no specific code.
 */
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

/**
 * The limit of the shown names of a certificate, in characters, because it may be for any number of hosts.
 */
const MAX_SHOWN_NAMES = 300

function wrong_name({ cert }: TlsError, host: string): Diagnosis {
  const names = cert?.subjectaltname ?? 'no host'
  return [
    `the server's certificate is for ${describe_value(names, MAX_SHOWN_NAMES)}, and not for ${host}`,
    'connect to a host that it is for, or name that as tls: { servername }',
  ]
}

/** Returns the text of OpenSSL without the position in its source code. */
function openssl_text({ reason, message }: TlsError): string {
  return reason ?? /:error:[\dA-F]+:[^:]*:[^:]*:([^:]*):/.exec(message)?.[1] ?? message
}
