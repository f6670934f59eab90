import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OPENSSL, path_of } from '@bt/test-support/programs'

/** The files of a self-signed certificate for this machine. */
export interface Certificate {
  readonly cert_path: string
  readonly key_path: string
}

/** Creates a certificate in a folder, with openssl. */
export function create_certificate(folder: string): Certificate {
  const cert_path = join(folder, 'cert.pem')
  const key_path = join(folder, 'key.pem')
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  // Deno rejects the certificate of an authority as that of a server.
  const usage = ['-addext', 'basicConstraints=critical,CA:FALSE']
  const files = ['-keyout', key_path, '-out', cert_path]
  execFileSync(path_of(OPENSSL), ['req', ...kind, ...names, ...usage, ...files], { stdio: 'pipe' })
  return { cert_path, key_path }
}

/** Returns the environment variables that make Python's OpenSSL, Node, Bun and Deno trust a certificate. */
export function trust_variables({ cert_path }: Certificate): NodeJS.ProcessEnv {
  return { SSL_CERT_FILE: cert_path, NODE_EXTRA_CA_CERTS: cert_path, DENO_CERT: cert_path }
}

/** Returns the TLS options that make our client trust a certificate. */
export function trust_options({ cert_path }: Certificate): { readonly ca: string } {
  return { ca: readFileSync(cert_path, 'utf8') }
}
