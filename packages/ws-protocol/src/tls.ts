import { describe_type, type FilledOptionRule, type OptionRule, type OptionRules } from './option_rule.js'

/** PEM as text, or as the bytes of a file: the content, not the file's name. */
export type Pem = string | Uint8Array

/** A certificate and its key: what one end of TLS proves itself with. */
export interface TlsIdentity {
  /** The certificate, and behind it those of the authorities between it and a root that the peer knows. A list is read as one text. */
  readonly cert: Pem | readonly Pem[]
  /** The private key that belongs to the certificate. */
  readonly key: Pem
  /** What the key is encrypted with. @defaultValue none: the key is not encrypted */
  readonly passphrase?: string | undefined
}

/** A version of TLS. Those before 1.2 are not to be used any more (RFC 8996). */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** What decides with whom one end of TLS talks. */
export interface TlsTrust {
  /** The certificates of the authorities that the peer's certificate has to come from, instead of those that Node brings along. */
  readonly ca?: Pem | readonly Pem[] | undefined
  /** The oldest version of TLS that is spoken. @defaultValue `'TLSv1.2'` */
  readonly min_version?: TlsVersion | undefined
}

const PEM_EXPECTED = 'PEM as text or bytes, such as readFileSync returns'
const VERSIONS: readonly unknown[] = ['TLSv1.2', 'TLSv1.3'] satisfies TlsVersion[]

/** A rule for a private key, which is never shown. */
export const key_rule: OptionRule<Pem> = {
  fallback: undefined,
  shown: describe_type,
  expects: PEM_EXPECTED,
  accepts: is_pem,
}

/** A rule for one or more certificates. */
export const certificates_rule: OptionRule<Pem | readonly Pem[]> = {
  fallback: undefined,
  // Who mixes up the two gives a key here.
  shown: describe_type,
  expects: `${PEM_EXPECTED}, or a list of such`,
  accepts: value => (Array.isArray(value) ? value.length > 0 && value.every(is_pem) : is_pem(value)),
}

/** A rule for what a key is encrypted with, which is never shown. */
export const passphrase_rule: OptionRule<string> = {
  fallback: undefined,
  shown: describe_type,
  expects: 'a string',
  accepts: value => typeof value === 'string',
}

/** A rule for the oldest version of TLS. */
export const min_version_rule: FilledOptionRule<TlsVersion> = {
  fallback: 'TLSv1.2',
  expects: "'TLSv1.2' or 'TLSv1.3'",
  accepts: value => VERSIONS.includes(value),
}

/** The rules of a {@link TlsIdentity} that has to be given. */
export const identity_rules: OptionRules<TlsIdentity, 'cert' | 'key'> = {
  cert: { ...certificates_rule, is_required: true },
  key: { ...key_rule, is_required: true },
  passphrase: passphrase_rule,
}

function is_pem(value: unknown): boolean {
  return (typeof value === 'string' || value instanceof Uint8Array) && value.length > 0
}
