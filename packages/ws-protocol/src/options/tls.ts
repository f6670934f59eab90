import { describe_type, type FilledOptionRule, type OptionRule, type OptionRules } from './option_rule.js'

/** The content of a PEM file, as text or bytes; not its name. */
export type Pem = string | Uint8Array

/** A certificate and its key, with which one side of TLS proves its identity. */
export interface TlsIdentity {
  /**
   * The certificate, followed by any intermediate ones up to a root that the peer trusts. A list is joined
   * into one text.
   */
  readonly cert: Pem | readonly Pem[]
  /** The private key of the certificate. */
  readonly key: Pem
  /** The passphrase that the key is encrypted with. @defaultValue none: the key is not encrypted */
  readonly passphrase?: string | undefined
}

/** A version of TLS. Those before 1.2 are deprecated (RFC 8996). */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** Which peers one side of TLS accepts. */
export interface TlsTrust {
  /**
   * The certificates of the authorities to trust for the peer's certificate, instead of those that Node
   * brings along.
   */
  readonly ca?: Pem | readonly Pem[] | undefined
  /** The oldest version of TLS to accept. @defaultValue `'TLSv1.2'` */
  readonly min_version?: TlsVersion | undefined
}

const PEM_EXPECTED = 'PEM as text or bytes, such as readFileSync returns'
const VERSIONS: readonly unknown[] = ['TLSv1.2', 'TLSv1.3'] satisfies TlsVersion[]

/** A rule for a private key, which is never shown. */
export const key_rule: OptionRule<Pem> = {
  shown: describe_type,
  expects: PEM_EXPECTED,
  accepts: is_pem,
}

/** A rule for one or more certificates. */
export const certificates_rule: OptionRule<Pem | readonly Pem[]> = {
  // A caller who mixes up the two options passes a private key here.
  shown: describe_type,
  expects: `${PEM_EXPECTED}, or a list of such`,
  accepts: value => (Array.isArray(value) ? value.length > 0 && value.every(is_pem) : is_pem(value)),
}

/** A rule for the passphrase of a key, which is never shown. */
export const passphrase_rule: OptionRule<string> = {
  shown: describe_type,
  expects: 'a string',
  accepts: value => typeof value === 'string',
}

/** A rule for the oldest version of TLS to accept. */
export const min_version_rule: FilledOptionRule<TlsVersion> = {
  fallback: 'TLSv1.2',
  expects: "'TLSv1.2' or 'TLSv1.3'",
  accepts: value => VERSIONS.includes(value),
}

/** The rules of a required {@link TlsIdentity}. */
export const identity_rules: OptionRules<TlsIdentity, 'cert' | 'key'> = {
  cert: { ...certificates_rule, is_required: true },
  key: { ...key_rule, is_required: true },
  passphrase: passphrase_rule,
}

function is_pem(value: unknown): boolean {
  return (typeof value === 'string' || value instanceof Uint8Array) && value.length > 0
}
