import { X509Certificate } from 'node:crypto'
import { make_authority, make_self_signed } from '@bt/test-support/certificates'
import { describe, expect, it } from 'vitest'
import { secure_options } from '../../../src/node/index.js'

const authority = await make_authority()
const [good, other, encrypted] = await Promise.all([
  authority.issue(),
  make_self_signed({ name: 'other' }),
  authority.issue({ passphrase: 'open sesame' }),
])

describe('secure_options', () => {
  it('passes the given options to Node, as text or bytes', () => {
    const cert = Buffer.from(good.cert)
    const options = secure_options('here', {
      cert,
      key: good.key,
      ca: authority.cert,
      min_version: 'TLSv1.3',
    })
    expect(options).toMatchObject({ minVersion: 'TLSv1.3', ca: [Buffer.from(authority.cert)] })
    expect(new X509Certificate(options.cert as Buffer).subject).toBe('CN=localhost')
  })

  it('passes no options to Node that were not given', () => {
    expect(secure_options('here', {})).toEqual({})
  })

  it('reads a list of certificates as one text, though a file lacks the end of its last line', () => {
    const { cert } = secure_options('here', { cert: [good.cert.trimEnd(), authority.cert], key: good.key })
    expect(String(cert).match(/^-----BEGIN CERTIFICATE-----$/gm)).toHaveLength(2)
  })

  it('takes a key that is encrypted, with its passphrase', () => {
    expect(secure_options('here', { ...encrypted, passphrase: 'open sesame' }).passphrase).toBe('open sesame')
  })

  it.each([
    [
      'a certificate that is none',
      { ...good, cert: 'server.pem' },
      /^here: cert is no certificate: .*no start line; give the content of a PEM file, not its name$/,
    ],
    ['a key for a certificate', { cert: good.key, key: good.key }, /^here: cert is no certificate: /],
    [
      'a key that is none',
      { ...good, key: 'nonsense' },
      /^here: key can't be read: .*unsupported; give the content/,
    ],
    [
      'a key without its passphrase',
      encrypted,
      /^here: key can't be read: .*and passphrase if it is encrypted$/,
    ],
    [
      'a wrong passphrase',
      { ...encrypted, passphrase: 'sesame' },
      // Once in 256 times what a wrong one makes of the key ends as a right one would, and something else is
      // wrong with it.
      /^here: key can't be read: .*; check that passphrase/,
    ],
    [
      'a key of another certificate',
      { ...good, key: other.key },
      /^here: cert and key do not belong together; /,
    ],
    [
      'authorities before the certificate',
      { ...good, cert: [authority.cert, good.cert] },
      /certificate of that key has to come first/,
    ],
    [
      'a broken certificate behind the first',
      { ...good, cert: [good.cert, authority.cert.replace('MII', 'AAA')] },
      /^here: OpenSSL does not take this: /,
    ],
    [
      'an authority that is none',
      { ca: [authority.cert, 'ca.pem'] },
      /^here: ca is no certificate: .*no start line/,
    ],
  ])('refuses %s, without its content in the message', (_name, parts, message) => {
    let error: unknown
    try {
      secure_options('here', parts)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'invalid_option', message: expect.stringMatching(message) })
    expect(String(error)).not.toMatch(/BEGIN|sesame|nonsense/)
  })
})
