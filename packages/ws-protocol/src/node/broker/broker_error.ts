import { decisive_error, type SystemError } from '../platform/system_error.js'

/** The problem with a connection to a broker, and what to do about it. */
type Diagnosis = readonly [what: string, advice: string]

/** An error of Node about a socket or a certificate, or of OpenSSL. */
interface CodedError extends SystemError {
  /** The reason given by OpenSSL. */
  readonly reason?: string
}

/**
 * Diagnoses by Node's codes for sockets and certificates (OpenSSL's X509_V_ERR_…), and by OpenSSL's reasons.
 */
const DIAGNOSES: readonly (readonly [RegExp, Diagnosis])[] = [
  [/^(ECONNREFUSED|ENOENT):/, ['nobody listens there', 'start it, or check the address']],
  [/^ENOTFOUND:/, ['there is no host of that name', 'check the name and the DNS']],
  [/^EAI_AGAIN:/, ['the DNS does not answer', 'check the network and the DNS']],
  [/^(EHOSTUNREACH|ENETUNREACH):/, ['there is no way there', 'check the address and the network']],
  [
    /^(ETIMEDOUT|ERR_SOCKET_CONNECTION_TIMEOUT):/,
    ['it does not answer', 'check the address, and what may stand between'],
  ],
  [/^(EMFILE|ENFILE):/, ['no file descriptor is left', 'raise the limit (ulimit -n)']],
  [
    /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT)/,
    [
      'its certificate comes from an authority that is not known here',
      "give that authority's certificate as ca",
    ],
  ],
  [/^CERT_HAS_EXPIRED/, ['its certificate has expired', "renew it there; or this machine's clock is wrong"]],
  [/^CERT_NOT_YET_VALID/, ['its certificate is not valid yet', "compare this machine's clock with its"]],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID/,
    ['its certificate is not for that host', 'connect to a host that it is for, or name that as servername'],
  ],
  [
    /wrong version number|packet length too long|record layer failure/,
    ['what answers there does not speak TLS', 'check the address, and whether TLS is meant'],
  ],
  [
    /alert (certificate required|handshake failure|bad certificate|unknown ca|certificate (unknown|expired|revoked))/,
    [
      'it does not take the certificate, or the lack of one',
      'give one that it knows the authority of, as cert and key',
    ],
  ],
  [/^(ECONNRESET|EPIPE):/, ['it cut the connection', 'its log may say why']],
]

/** Returns why a connection to a broker failed, as the end of a sentence; `undefined` if that is unknown. */
export function explain_broker_error(error: Error): string | undefined {
  const { code = '', reason, message }: CodedError = decisive_error(error)
  const coded_reason = `${code}: ${reason ?? message}`
  const known = DIAGNOSES.find(([pattern]) => pattern.test(coded_reason))
  return known?.[1].join(': ')
}
