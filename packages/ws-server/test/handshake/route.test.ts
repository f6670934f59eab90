import { describe, expect, test } from 'vitest'
import { is_route, matches_route, parse_target, ROUTE_EXPECTED } from '../../src/handshake/route.js'

describe('is_route', () => {
  test.each(['/', '/ws', '/ws/', '//', '/a/b.c', '/a%20b', '/聊天', '/:id', '/*', '/100%'])(
    'takes %s',
    route => {
      expect(is_route(route)).toBe(true)
    },
  )

  test('takes the example that ROUTE_EXPECTED gives', () => {
    const [, example] = /such as '([^']+)'/.exec(ROUTE_EXPECTED) ?? []
    expect(is_route(example)).toBe(true)
  })

  test.each([
    ['no text', ''],
    ['a path without its slash', 'ws'],
    ['an asterisk', '*'],
    ['a query', '/ws?a=1'],
    ['an empty query', '/ws?'],
    ['a fragment', '/ws#top'],
    ['a space', '/a b'],
    ['a space in front', ' /ws'],
    ['a line break behind', '/ws\n'],
    ['a URL', 'ws://host/ws'],
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
    ['an array', ['/ws']],
    ['a String object', new String('/ws')],
  ])('refuses %s', (_, route) => {
    expect(is_route(route)).toBe(false)
  })
})

describe('parse_target', () => {
  test.each([
    ['origin form', '/ws', '/ws', ''],
    ['a slash at the end', '/ws/', '/ws/', ''],
    ['the root', '/', '/', ''],
    ['two slashes', '//ws', '//ws', ''],
    ['two slashes alone', '//', '//', ''],
    ['a query', '/ws?a=1&b=2', '/ws', 'a=1&b=2'],
    ['an empty query', '/ws?', '/ws', ''],
    ['a question mark in the query', '/ws?a?b', '/ws', 'a?b'],
    ['a query alone', '?a=1', '/', 'a=1'],
    ['a URL in the query', '/ws?next=http://host/x', '/ws', 'next=http://host/x'],
    ['a URL in the path', '/http://host/x', '/http://host/x', ''],
    ['a fragment', '/ws#top', '/ws', ''],
    ['a fragment behind a query', '/ws?a=1#top?b', '/ws', 'a=1'],
    ['a question mark in the fragment', '/ws#top?b', '/ws', ''],
    ['a percent-encoded path, as it came', '/%E8%81%8A?x=%20', '/%E8%81%8A', 'x=%20'],
    ['a percent-encoded question mark', '/a%3Fb', '/a%3Fb', ''],
    ['a broken escape', '/a%zz', '/a%zz', ''],
    ['nothing', '', '/', ''],
    // RFC 9112 §3.2.2
    ['absolute form', 'http://host:80/ws?a=1', '/ws', 'a=1'],
    ['absolute form of a WebSocket', 'ws://host/ws', '/ws', ''],
    ['absolute form in capitals', 'HTTP://HOST/WS', '/WS', ''],
    ['absolute form with IPv6', 'http://[::1]:80/ws', '/ws', ''],
    ['absolute form without a path', 'http://host', '/', ''],
    ['absolute form with a query and no path', 'http://host?a=1', '/', 'a=1'],
    ['absolute form with two slashes', 'http://host//ws', '//ws', ''],
    // RFC 9112 §3.2.3 and §3.2.4
    ['authority form', 'host:80', 'host:80', ''],
    ['asterisk form', '*', '*', ''],
  ])('takes apart %s', (_, target, path, query) => {
    expect(parse_target(target)).toEqual({ path, query })
  })
})

describe('matches_route', () => {
  test.each([
    ['the same path', '/ws', '/ws'],
    ['the root', '/', '/'],
    ['letters encoded without need (RFC 3986 §6.2.2.2)', '/%77s', '/ws'],
    ['a Chinese route', '/%E8%81%8A%E5%A4%A9', '/聊天'],
    ['a Chinese route, encoded in lower case', '/%e8%81%8a%e5%a4%a9', '/聊天'],
    ['an encoded route', '/聊天', '/%E8%81%8A%E5%A4%A9'],
    ['an emoji', '/%F0%9F%98%80', '/😀'],
    ['an encoded slash, as it stands', '/a%2Fb', '/a%2Fb'],
    ['an encoded space', '/a%20b', '/a%20b'],
    ['a broken escape, as it stands', '/a%zz', '/a%zz'],
    ['a percent sign alone', '/100%', '/100%'],
  ])('matches %s', (_, path, route) => {
    expect(matches_route(path, route)).toBe(true)
  })

  test.each([
    ['a slash at the end', '/ws/', '/ws'],
    ['a missing slash at the end', '/ws', '/ws/'],
    ['two slashes', '//ws', '/ws'],
    ['two slashes for the root', '//', '/'],
    ['another case', '/WS', '/ws'],
    ['more behind', '/ws/more', '/ws'],
    ['less', '/w', '/ws'],
    ['a dot segment', '/x/../ws', '/ws'],
    ['an encoded slash, which is no slash (RFC 3986 §2.2)', '/a%2Fb', '/a/b'],
    ['an encoded question mark', '/a%3Fb', '/a'],
    ['bytes that are no UTF-8', '/%FF', '/ÿ'],
    ['UTF-8 in GBK', '/%C1%C4%CC%EC', '/聊天'],
    ['a broken escape', '/ws%', '/ws'],
    ['an escape encoded twice', '/%2577s', '/ws'],
    ['an asterisk', '*', '/'],
  ])('does not match %s', (_, path, route) => {
    expect(matches_route(path, route)).toBe(false)
  })
})

test.each([
  ['/%252F', '/%2F', false],
  ['/a%2fb', '/a%2Fb', true],
  ['/a%2Fb', '/a/b', false],
  ['/%25', '/%2525', false],
])('an escape that is needed is kept, in either case of its digits: %s and %s', (path, route, is_same) => {
  expect(matches_route(path, route)).toBe(is_same)
})
