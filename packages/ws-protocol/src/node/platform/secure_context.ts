import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { NetError } from '../../errors/errors.js'
import type { Pem, TlsIdentity, TlsTrust } from '../../options/tls.js'

/** What Node needs for TLS, in our own words. */
export type SecureParts = Partial<TlsIdentity> & TlsTrust

/**
 * Says to Node what it needs for TLS, after all of it was read: Node itself would take some of it as it is, and fail at the first
 * connection, or leave it out without a word.
 *
 * @param where - what the parts belong to, as the beginning of a message
 * @throws NetError `invalid_option`, naming the part, with what OpenSSL says of it; never with what is in it
 */
export function secure_options(where: string, parts: SecureParts): SecureContextOptions {
  const { ca, cert, key, passphrase, min_version } = parts
  const options: SecureContextOptions = {}
  if (min_version !== undefined) options.minVersion = min_version
  if (ca !== undefined) options.ca = list_of(ca).map(pem => read_authority(where, pem))
  if (cert !== undefined && key !== undefined) {
    options.cert = joined(list_of(cert))
    options.key = Buffer.from(key)
    if (passphrase !== undefined) options.passphrase = passphrase
    check_pair(where, options.cert, options.key, passphrase)
  }
  attempt(`${where}: OpenSSL does not take this`, '', () => createSecureContext(options))
  return options
}

function read_authority(where: string, pem: Pem): Buffer {
  const bytes = Buffer.from(pem)
  // Node passes over what is no certificate.
  attempt(`${where}: ca is no certificate`, PEM_ADVICE, () => new X509Certificate(bytes))
  return bytes
}

function check_pair(where: string, cert: Buffer, key: Buffer, passphrase: string | undefined): void {
  const certificate = attempt(`${where}: cert is no certificate`, PEM_ADVICE, () => new X509Certificate(cert))
  const key_advice =
    passphrase === undefined
      ? `${PEM_ADVICE}, and passphrase if it is encrypted`
      : 'check that passphrase is the one of this key'
  const private_key = attempt(`${where}: key can't be read`, key_advice, () =>
    createPrivateKey(passphrase === undefined ? { key } : { key, passphrase }),
  )
  if (certificate.checkPrivateKey(private_key)) return
  throw new NetError(
    'invalid_option',
    `${where}: cert and key do not belong together; in cert, the certificate of that key has to come first, and its authorities' behind it`,
  )
}

const PEM_ADVICE = 'give the content of a PEM file, not its name'

function attempt<Result>(what: string, advice: string, run: () => Result): Result {
  try {
    return run()
  } catch (cause) {
    const behind = advice === '' ? '' : `; ${advice}`
    throw new NetError('invalid_option', `${what}: ${(cause as Error).message}${behind}`, { cause })
  }
}

function list_of(pem: Pem | readonly Pem[]): readonly Pem[] {
  return Array.isArray(pem) ? pem : [pem as Pem]
}

/** A file may lack the end of its last line. */
function joined(list: readonly Pem[]): Buffer {
  return Buffer.concat(list.flatMap(pem => [Buffer.from(pem), Buffer.from('\n')]))
}
