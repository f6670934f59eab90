import { describe, expect, it } from 'vitest'
import { AuthorizeRefusal } from '../../src/admission/refuse.js'
import { refuse } from '../../src/index.js'

/** Returns the error that `refuse` throws. */
function thrown(...args: Parameters<typeof refuse>): unknown {
  try {
    return refuse(...args)
  } catch (error) {
    return error
  }
}

describe('refuse', () => {
  it('throws an error for authorize to pass on, whose message says where refuse belongs', () => {
    const error = thrown(401, 'no token', { 'WWW-Authenticate': 'Bearer realm="chat"' })
    expect(error).toBeInstanceOf(AuthorizeRefusal)
    expect(error).toMatchObject({
      status: 401,
      text: 'no token',
      headers: { 'WWW-Authenticate': 'Bearer realm="chat"' },
      message: expect.stringContaining('for authorize alone'),
    })
  })

  it('takes a list of values for a header', () => {
    expect(thrown(401, '', { headers: { 'Set-Cookie': ['a=', 'b='] } })).toMatchObject({
      headers: { 'Set-Cookie': ['a=', 'b='] },
    })
  })

  it.each([400, 599])('takes the status %i', status => {
    expect(thrown(status, '')).toBeInstanceOf(AuthorizeRefusal)
  })

  it.each([
    ['a status of success', [200, ''], /refuse got the status 200: use an HTTP status from 400 to 599/],
    ['a redirect', [302, ''], /status 302/],
    ['a status that is none', [600, ''], /status 600/],
    ['half a status', [400.5, ''], /status 400.5/],
    ['a status that is text', ['401', ''], /status "401"/],
    ['no text', [401], /the text undefined/],
    ['a text that is too long', [401, '中'.repeat(1_366)], /at most 4096 bytes/],
    ['headers that are none', [401, '', 'Set-Cookie: secret'], /^refuse got text for its headers/],
    ['null for headers', [401, '', null], /null for its headers/],
    ['a list of headers', [401, '', ['a']], /got an array of 1 for its headers/],
    [
      'headers whose names are no properties',
      [401, '', new Headers({ a: 'b' })],
      /got an instance of Headers for its headers: give an object of names and values/,
    ],
    [
      'a header that ends its line',
      [401, '', { A: 'b\r\nSet-Cookie: c=d' }],
      /^refuse got a value that has U\+000D at index 1 for the header A: give ASCII/,
    ],
    ['a header with a bare newline', [401, '', { A: 'b\nc' }], /for the header A/],
    ['a header with a NUL', [401, '', { A: 'b\0' }], /for the header A/],
    ['a header that is not ASCII', [401, '', { A: 'ü' }], /for the header A/],
    ['a header that is no text', [401, '', { A: 7 }], /got a value that is of type number for the header A/],
    ['a header’s name with a colon', [401, '', { 'A: b\r\nC': 'd' }], /a name is a token/],
    ['a header’s name that is empty', [401, '', { '': 'd' }], /a name is a token/],
    ['a length of its own', [401, '', { 'content-LENGTH': '0' }], /which the server sets itself/],
    ['another framing', [401, '', { 'Transfer-Encoding': 'chunked' }], /which the server sets itself/],
    ['a connection that stays', [401, '', { Connection: 'keep-alive' }], /which the server sets itself/],
  ])('throws invalid_argument for %s', (_name, args, message) => {
    expect(thrown(...(args as Parameters<typeof refuse>))).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(message),
    })
  })
})
