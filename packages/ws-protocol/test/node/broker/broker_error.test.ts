import { describe, expect, test } from 'vitest'
import { explain_broker_error } from '../../../src/node/broker/broker_error.js'

function error_of(code: string, message = '', reason?: string): Error {
  return Object.assign(new Error(message), { code, ...(reason === undefined ? {} : { reason }) })
}

describe('why a broker was not reached', () => {
  test.each([
    ['ECONNREFUSED', '', 'nobody listens there'],
    ['ENOENT', 'connect ENOENT /run/redis.sock', 'nobody listens there'],
    ['ENOTFOUND', 'getaddrinfo ENOTFOUND nowhere', 'no host of that name'],
    ['EHOSTUNREACH', '', 'no way there'],
    ['ETIMEDOUT', '', 'does not answer'],
    ['EMFILE', '', 'ulimit -n'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', '', "give that authority's certificate as ca"],
    ['CERT_HAS_EXPIRED', '', 'has expired'],
    ['CERT_NOT_YET_VALID', '', 'not valid yet'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', '', 'not for that host'],
    ['ECONNRESET', 'read ECONNRESET', 'it cut the connection'],
  ])('is explained for the code %s', (code, message, words) => {
    expect(explain_broker_error(error_of(code, message))).toContain(words)
  })

  test('is explained for a reason given by OpenSSL', () => {
    const error = error_of('ERR_SSL_WRONG_VERSION_NUMBER', 'long', 'wrong version number')
    expect(explain_broker_error(error)).toContain('does not speak TLS')
  })

  test('is the reason of one address for a host that has several', () => {
    const error = Object.assign(new AggregateError([error_of('ECONNREFUSED')]), { message: '' })
    expect(explain_broker_error(error)).toContain('nobody listens there')
  })

  test('is undefined for an unknown error', () => {
    expect(explain_broker_error(new Error('something else'))).toBeUndefined()
  })
})
