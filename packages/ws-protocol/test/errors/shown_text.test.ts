import { describe, expect, it } from 'vitest'
import { escape_text, shown_text, shown_url } from '../../src/errors/shown_text.js'
import { HOSTILE_CHARACTERS } from '../../src/testing/hostile_text.js'

describe('shown_url', () => {
  it.each([
    ['ws://user:secret@host/ws', 'ws://***@host/ws'],
    ['ws://me@corp.com:secret@host/ws', 'ws://***@host/ws'],
    ['ws://secret@host/ws', 'ws://***@host/ws'],
    ['wss://user:secret@host:8081/ws?a=b:c@d', 'wss://***@host:8081/ws?***'],
    ['ws://:secret@host/', 'ws://***@host/'],
    ['ws://user:se:cr@et@host/', 'ws://***@host/'],
    ['ws://user:secret@host:8081/a@b', 'ws://***@host:8081/a@b'],
    ['WS://user:secret@host/', 'WS://***@host/'],
    ['ws+unix://user:secret@host/x:/ws', 'ws+unix://***@host/x:/ws'],
    // Browsers accept these as URLs, too.
    [' ws://user:secret@host/', ' ws://***@host/'],
    ['\0ws://user:secret@host/', '\0ws://***@host/'],
    ['ws:user:secret@host/', '***@host/'],
    ['ws:/user:secret@host/', 'ws:/***@host/'],
    ['ws:///user:secret@host/', 'ws:///***@host/'],
    ['w\ns:\\\\user:sec\nret@host/', 'w\ns:\\\\***@host/'],
    ['ws:/\t/user:secret@host/', 'ws:/\t/***@host/'],
    ['ws://\r/user:secret@host/', 'ws://\r/***@host/'],
    ['wss:\\\n\\user:secret@host/', 'wss:\\\n\\***@host/'],
    // These are relative URLs, as in a redirect.
    ['//user:secret@host/ws', '//***@host/ws'],
    ['user:secret@host/ws', '***@host/ws'],
    ['/\t/user:secret@host/ws', '/\t/***@host/ws'],
  ])('hides the user and the password of %j', (url, shown) => expect(shown_url(url)).toBe(shown))

  it.each([
    ['ws://host/ws?token=secret&room=1', 'ws://host/ws?***'],
    ['ws://host?secret', 'ws://host?***'],
    ['ws://[::1]:8081/ws?a=b:c@d', 'ws://[::1]:8081/ws?***'],
    ['ws://host/ws?a\nsecret', 'ws://host/ws?***'],
    ['ws://host/ws#secret', 'ws://host/ws#***'],
    ['ws://host/ws?a#secret', 'ws://host/ws?***'],
    ['ws+unix:/run/ws.sock:/ws?secret', 'ws+unix:/run/ws.sock:/ws?***'],
    ['unix:/run/redis.sock?secret', 'unix:/run/redis.sock?***'],
    ['/ws/?token=secret', '/ws/?***'],
    ['?token=secret', '?***'],
    ['#secret', '#***'],
  ])('hides the query and the fragment of %j', (url, shown) => expect(shown_url(url)).toBe(shown))

  it.each([
    'ws://host/ws?',
    'ws://host:8081/a:b@c',
    'ws://[::1]:8081/a:b@c',
    'ws+unix:/run/ws@1:/a@b',
    'ws://host/a=b',
    '/login',
    '',
  ])('does not change %j', url => expect(shown_url(url)).toBe(url))
})

describe('shown_text', () => {
  it.each([
    [
      "WebSocket connection to 'ws://ada:secret@host/?token=secret' failed: Failed to connect",
      "WebSocket connection to 'ws://***@host/?*** failed: Failed to connect",
    ],
    ['see https://host/a?secret and wss://ada:secret@host', 'see https://host/a?*** and wss://***@host'],
    ['{"message":"Route GET:/ws?token=secret not found"}', '{"message":"Route GET:/ws?*** not found"}'],
    ['is it open? yes', 'is it open? yes'],
  ])('hides the secrets of the URLs in %j', (text, shown) => expect(shown_text(text)).toBe(shown))

  it('cuts text after 500 characters, or at a given length', () => {
    expect(shown_text('x'.repeat(500))).toBe('x'.repeat(500))
    expect(shown_text('x'.repeat(501))).toBe(`${'x'.repeat(500)}…`)
    expect(shown_text('wxyz', 3)).toBe('wxy…')
  })

  it.each(['a', '/', '@', ':', '?', '#', ' ', '\t', '/\t', '\\', '://', 'a:', 'a@'])(
    'takes linear time for a text that repeats %j',
    part => {
      // Quadratic time would be hours.
      const text = part.repeat(1_000_000)
      expect(shown_text(text).length).toBeLessThan(510)
      expect(shown_url(`ws://${text}`)).toMatch(/^ws:/)
    },
  )
})

describe('escape_text', () => {
  it.each(HOSTILE_CHARACTERS)('escapes %s as its code point', (_name, character) => {
    expect(escape_text(`a${character}b`)).toBe(`a\\u{${character.codePointAt(0)?.toString(16)}}b`)
  })

  it.each(['', 'plain', 'ünï', '中文', 'עברית', 'é', '𝄞😀', 'a b'])('does not change %j', text => {
    expect(escape_text(text)).toBe(text)
  })
})
