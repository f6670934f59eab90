import { describe, expect, test } from 'vitest'
import { is_route, parse_target, ROUTE_EXPECTED, Route } from '../../src/handshake/route.js'

describe('is_route', () => {
  test.each([
    '/',
    '/ws',
    '/ws/',
    '//',
    '/a/b.c',
    '/a%20b',
    '/聊天',
    '/100%',
    '/:id',
    '/rooms/:room/users/:user_2/',
    '/:房间',
    '/:a/:A',
    '/:__proto__',
    '/a+b',
    '/%2A%3A',
  ])('takes %s', route => {
    expect(is_route(route)).toBe(true)
  })

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

describe('the pattern of a route', () => {
  test.each([
    ['/*', '*', '%2A'],
    ['/rooms/:room*', '*', '%2A'],
    ['/rooms/:room(\\d+)', '(', '%28'],
    ['/{:room}', '{', '%7B'],
    ['/[room]', '[', '%5B'],
    ['/<room>', '<', '%3C'],
    ['/a|b', '|', '%7C'],
    ['/^a', '^', '%5E'],
    ['/a\\b', '\\', '%5C'],
  ])('%s is refused, with the character and its escaped', (route, character, escaped) => {
    expect(() => is_route(route)).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: `listen: the option route is ${JSON.stringify(route)}, in which ${character} has no meaning: a parameter such as :room stands for one whole segment, and there are no other patterns; write ${escaped} for the character itself`,
      }),
    )
  })

  test.each([
    ['a colon in the middle', '/rooms/a:b', 'a:b'],
    ['a parameter with a suffix', '/rooms/:room.json', ':room.json'],
    ['a parameter with a plus sign', '/rooms/:room+', ':room+'],
    ['two parameters in a segment', '/:from-:to', ':from-:to'],
    ['a parameter without a name', '/rooms/:/a', ':'],
    ['a name that begins with a digit', '/:1', ':1'],
    ['an escape in a name', '/:a%20b', ':a%20b'],
  ])('with %s is refused, with the segment and what to write', (_, route, segment) => {
    expect(() => is_route(route)).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: `listen: the option route is "${route}", in which "${segment}" is no parameter: it is a colon and a name of letters, digits and _, such as :room, and takes the whole segment; write %3A for a colon`,
      }),
    )
  })

  test('with a name twice is refused', () => {
    expect(() => is_route('/:a/b/:a')).toThrow(
      'listen: the option route is "/:a/b/:a", which has the parameter ":a" twice: give each a name of its own',
    )
  })

  test.each(['/rooms/:room?', '/:site/:room?'])('that may be left out is refused: %s', route => {
    expect(() => is_route(route)).toThrow(
      `listen: the option route is "${route}", in which ":room?" is no parameter: none may be left out; serve both paths from one http server, with a route each`,
    )
  })

  test('has no query behind it', () => {
    expect(is_route('/rooms?:room')).toBe(false)
  })
})

describe('the parameters of a route', () => {
  test.each<[string, string, Record<string, string>]>([
    ['/rooms/:room', '/rooms/a', { room: 'a' }],
    ['/:a/x/:b', '/1/x/2', { a: '1', b: '2' }],
    ['/rooms/:room/', '/rooms/a/', { room: 'a' }],
    ['/rooms/:room', '/rooms/a%2Fb', { room: 'a/b' }],
    ['/rooms/:room', '/rooms/%E8%81%8A%20%3f%23%25', { room: '聊 ?#%' }],
    ['/rooms/:room', '/rooms/%252F', { room: '%2F' }],
    ['/rooms/:room', '/rooms/a+b', { room: 'a+b' }],
    ['/rooms/:room', '/rooms/:room', { room: ':room' }],
    ['/rooms/:room', '/rooms/..', { room: '..' }],
    ['/rooms/:room', '/r%6foms/a', { room: 'a' }],
    ['/聊天/:房间', '/%E8%81%8A%E5%A4%A9/a', { 房间: 'a' }],
    ['/a%3Ab/:c', '/a:b/1', { c: '1' }],
    ['/:hasOwnProperty/:constructor', '/1/2', { hasOwnProperty: '1', constructor: '2' }],
  ])('%s takes %s', (route, path, params) => {
    expect({ ...new Route(route).params_of(path) }).toEqual(params)
    expect(new Route(route).matches(`${path}?x=/y`)).toBe(true)
  })

  test.each([
    ['an empty segment', '/rooms/'],
    ['two slashes', '/rooms//a'],
    ['a segment too few', '/rooms'],
    ['a segment too many', '/rooms/a/b'],
    ['a slash at the end', '/rooms/a/'],
    ['another text', '/room/a'],
    ['an escape that is cut', '/rooms/100%'],
    ['an escape that is none', '/rooms/%zz'],
    ['bytes that are not UTF-8', '/rooms/%FF'],
    ['an overlong slash', '/rooms/%C0%AF'],
    ['a surrogate', '/rooms/%ED%A0%80'],
    ['no slash in front', 'rooms/a'],
    ['an asterisk', '*'],
  ])('are not in a path with %s', (_, path) => {
    expect(new Route('/rooms/:room').params_of(path)).toBeUndefined()
    expect(new Route('/rooms/:room').matches(path)).toBe(false)
  })

  test('are frozen, and have no names but their own, whatever the names are', () => {
    const params = new Route('/:__proto__/:b').params_of('/a/1')
    expect(Object.entries(params ?? {})).toEqual([
      ['__proto__', 'a'],
      ['b', '1'],
    ])
    for (const each of [params, new Route('/ws').params_of('/ws')]) {
      expect(Object.getPrototypeOf(each)).toBeNull()
      expect(Object.isFrozen(each)).toBe(true)
    }
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

describe('a route', () => {
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
    ['a colon, which a route has escaped', '/a:b', '/a%3Ab'],
    ['an escaped colon', '/a%3ab', '/a%3Ab'],
    ['an asterisk, which a route has escaped', '/*', '/%2A'],
  ])('matches %s', (_, path, route) => {
    expect(new Route(route).matches(path)).toBe(true)
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
    expect(new Route(route).matches(path)).toBe(false)
  })
})

test.each([
  ['/%252F', '/%2F', false],
  ['/a%2fb', '/a%2Fb', true],
  ['/a%2Fb', '/a/b', false],
  ['/%25', '/%2525', false],
])('an escape that is needed is kept, in either case of its digits: %s and %s', (path, route, is_same) => {
  expect(new Route(route).matches(path)).toBe(is_same)
})
