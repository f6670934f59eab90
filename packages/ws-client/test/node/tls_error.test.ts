import { describe, expect, it } from 'vitest'
import { type FailedTls, tls_error } from '../../src/node/tls_error.js'

const failed: FailedTls = { url: 'wss://host/ws', host: 'host', stage: 'securing', has_certificate: false }

function error_of(code: string, message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { code, ...more })
}

describe('tls_error', () => {
  it.each([
    [
      'a certificate of tomorrow',
      'CERT_NOT_YET_VALID',
      'certificate is not yet valid',
      /is not valid yet; compare the clocks/,
    ],
    [
      'a certificate for nobody',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'no altnames',
      /is for "no host", and not for host/,
    ],
    [
      'a finding that has no words of ours',
      'CERT_REVOKED',
      'certificate revoked',
      /failed in TLS: CERT_REVOKED: certificate revoked; check the certificates/,
    ],
    [
      'a refusal by alert',
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      'tlsv1 alert unknown ca',
      /does not take the client certificate/,
    ],
  ])('explains %s', (_name, code, message, expected) => {
    const error = error_of(code, message)
    expect(tls_error(error, failed)).toMatchObject({
      code: 'tls_failed',
      message: expect.stringMatching(expected),
      cause: error,
    })
  })

  it('shows only the text of an OpenSSL error', () => {
    const said =
      'write EPROTO 80AC2126307F0000:error:0A000999:SSL routines:a_function:some reason:../deps/ssl.c:16:SSL alert number 99\n'
    expect(tls_error(error_of('EPROTO', said), failed)?.message).toMatch(/TLS: EPROTO: some reason; check/)
    const with_reason = error_of('ERR_SSL_X', said, { reason: 'another' })
    expect(tls_error(with_reason, failed)?.message).toMatch(/TLS: ERR_SSL_X: another; check/)
  })

  it.each([
    ['a TCP connection that was not made', 'ETIMEDOUT', { stage: 'connecting' }],
    ['an end right after TLS was agreed on', 'ECONNRESET', { stage: 'secure' }],
    ['an answer that is no HTTP', 'HPE_INVALID_CONSTANT', { stage: 'secure' }],
  ] as const)('returns undefined for %s', (_name, code, more) => {
    expect(tls_error(error_of(code, 'x'), { ...failed, ...more })).toBeUndefined()
  })

  it('suspects the client certificate if the connection ends right after the TLS handshake', () => {
    const late: FailedTls = { ...failed, stage: 'secure', has_certificate: true }
    expect(tls_error(error_of('EPIPE', 'write EPIPE'), late)?.message).toMatch(/or so it seems/)
    expect(tls_error(error_of('ERR_SSL_BAD', 'bad record'), late)?.message).toMatch(
      /ERR_SSL_BAD: bad record; check/,
    )
  })
})
