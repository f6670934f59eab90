import { describe, expect, it } from 'vitest'
import { read_client_certificate } from '../../src/handshake/client_certificate.js'

const said = {
  subject: { CN: 'alice', OU: ['a', 'b'] },
  issuer: { CN: 'authority' },
  fingerprint256: 'AA:BB',
  serialNumber: '01',
  valid_from: 'Jan  2 03:04:05 2026 GMT',
  valid_to: 'Jan  2 03:04:05 2027 GMT',
}

/** A socket of TLS, as far as it is read. */
function socket(certificate: object, authorized = true): object {
  return { authorized, getPeerCertificate: () => certificate }
}

describe('read_client_certificate', () => {
  it('copies the fields of a certificate', () => {
    expect(read_client_certificate(socket(said))).toEqual({
      subject: { CN: 'alice', OU: ['a', 'b'] },
      issuer: { CN: 'authority' },
      subject_alt_names: [],
      fingerprint256: 'AA:BB',
      serial_number: '01',
      valid_from: new Date('2026-01-02T03:04:05Z'),
      valid_to: new Date('2027-01-02T03:04:05Z'),
    })
  })

  it.each([
    ['DNS:a.test', ['DNS:a.test']],
    ['DNS:a.test, IP Address:127.0.0.1, URI:x:y', ['DNS:a.test', 'IP Address:127.0.0.1', 'URI:x:y']],
    ['DNS:"a.test, DNS:admin.test", DNS:b.test', ['DNS:"a.test, DNS:admin.test"', 'DNS:b.test']],
    ['URI:"x\\", DNS:admin.test"', ['URI:"x\\", DNS:admin.test"']],
  ])('lists the names in %s, and keeps quoted commas within a name', (subjectaltname, names) => {
    expect(read_client_certificate(socket({ ...said, subjectaltname }))?.subject_alt_names).toEqual(names)
  })

  it.each([
    ['no socket', undefined],
    ['a socket without TLS', {}],
    ['a certificate that does not hold', socket(said, false)],
    ['a session without a certificate', socket({})],
  ])('finds none on %s', (_name, on) => {
    expect(read_client_certificate(on)).toBeUndefined()
  })
})
