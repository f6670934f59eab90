import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { NetError } from '../../errors/errors.js'
import type { Pem, TlsIdentity, TlsTrust } from '../../options/tls.js'

/** The options of one side of TLS, under our own names. */
export type SecureParts = Partial<TlsIdentity> & TlsTrust

/**
 * Returns the TLS options for Node, after parsing all of them: Node itself would fail for some only at the
 * first connection, and silently ignore others.
 *
 * @param where - the subject of error messages
 * @throws NetError `invalid_option`, with the name of the part and OpenSSL's reason; never with its content
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
  // Node silently ignores a value that is not a certificate.
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

/** Joins PEM files with line breaks, since a file may lack the one at its end. */
function joined(list: readonly Pem[]): Buffer {
  return Buffer.concat(list.flatMap(pem => [Buffer.from(pem), Buffer.from('\n')]))
}
