import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OPENSSL, path_of } from '@bt/test-support/programs'

/** A certificate for this machine, which has signed itself, and its key: where they are. */
export interface Certificate {
  readonly cert_path: string
  readonly key_path: string
}

/** Has openssl make one, in a folder. */
export function make_certificate(folder: string): Certificate {
  const cert_path = join(folder, 'cert.pem')
  const key_path = join(folder, 'key.pem')
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  // Deno takes no certificate of an authority for that of a server.
  const use = ['-addext', 'basicConstraints=critical,CA:FALSE']
  const files = ['-keyout', key_path, '-out', cert_path]
  execFileSync(path_of(OPENSSL), ['req', ...kind, ...names, ...use, ...files], { stdio: 'pipe' })
  return { cert_path, key_path }
}

/** What makes programs trust it: each is told in its own way, Python's OpenSSL, Node and Bun, and Deno. */
export function trusting({ cert_path }: Certificate): NodeJS.ProcessEnv {
  return { SSL_CERT_FILE: cert_path, NODE_EXTRA_CA_CERTS: cert_path, DENO_CERT: cert_path }
}

/** What makes our client trust it. */
export function our_trust({ cert_path }: Certificate): { readonly ca: string } {
  return { ca: readFileSync(cert_path, 'utf8') }
}
