/** A name in a certificate, by its parts, such as `CN` or `O`; a list if a part occurs more than once. */
export type CertificateName = Readonly<Record<string, string | readonly string[] | undefined>>

/** A client's certificate, verified to come from an authority in the server's `ca`. */
export interface ClientCertificate {
  /** The name of its owner. */
  readonly subject: CertificateName
  /** The authority that issued it. */
  readonly issuer: CertificateName
  /**
   * Its subject alternative names (RFC 5280 §4.2.1.6), such as `'DNS:a.example'`, `'IP Address:127.0.0.1'` or
   * `'URI:spiffe://a/b'`. After the colon, those with unusual characters are quoted as in JSON. Compare them
   * whole.
   */
  readonly subject_alt_names: readonly string[]
  /** Its SHA-256 fingerprint, as hexadecimal bytes separated by colons. */
  readonly fingerprint256: string
  /** Its serial number, unique for its issuer, in hexadecimal. */
  readonly serial_number: string
  /** When it becomes valid. */
  readonly valid_from: Date
  /** When it expires. */
  readonly valid_to: Date
}

/**
 * The members of a `TLSSocket` that are used here, so that the types of this package do not depend on Node's.
 */
interface CertifiedSocket {
  /** Whether a certificate was requested, and is valid. */
  readonly authorized?: boolean
  getPeerCertificate?(): {
    readonly subject?: object
    readonly issuer?: object
    readonly subjectaltname?: string | undefined
    readonly fingerprint256?: string
    readonly serialNumber?: string
    readonly valid_from?: string
    readonly valid_to?: string
  }
}

/** One name of Node's comma-separated list, in which quoted names may contain commas. */
const ALT_NAME = /(?:[^,"]|"(?:[^"\\]|\\.)*")+/g

/** Copies the client's certificate from a socket. Returns `undefined` if there is no valid one. */
export function read_client_certificate(of: object | undefined): ClientCertificate | undefined {
  const socket = of as CertifiedSocket | undefined
  // Node reports a resumed session as authorized even without a certificate.
  if (socket?.authorized !== true) return undefined
  const certificate = socket.getPeerCertificate?.()
  if (certificate?.fingerprint256 === undefined) return undefined
  const { subject, issuer, subjectaltname = '', fingerprint256, serialNumber = '' } = certificate
  return {
    subject: { ...subject },
    issuer: { ...issuer },
    subject_alt_names: (subjectaltname.match(ALT_NAME) ?? []).map(name => name.trim()),
    fingerprint256,
    serial_number: serialNumber,
    valid_from: new Date(certificate.valid_from ?? ''),
    valid_to: new Date(certificate.valid_to ?? ''),
  }
}
