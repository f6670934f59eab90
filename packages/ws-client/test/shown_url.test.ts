import { describe, expect, it } from 'vitest'
import { shown_url } from '../src/shown_url.js'

describe('shown_url', () => {
  it.each([
    ['ws://user:secret@host/ws', 'ws://user:***@host/ws'],
    ['wss://user:secret@host:8081/ws?a=b:c@d', 'wss://user:***@host:8081/ws?***'],
    ['ws://:secret@host/', 'ws://:***@host/'],
    ['ws://user:se:cr@et@host/', 'ws://user:***@host/'],
    ['WS://user:secret@host/', 'WS://user:***@host/'],
    ['ws+unix://user:secret@host/x:/ws', 'ws+unix://user:***@host/x:/ws'],
    // These are read as URLs all the same, as a browser reads them.
    [' ws://user:secret@host/', ' ws://user:***@host/'],
    ['ws:/user:secret@host/', 'ws:/user:***@host/'],
    ['w\ns:\\\\user:secret@host/', 'w\ns:\\\\user:***@host/'],
    // These are no URLs of ours.
    ['http2://user:secret@host/', 'http2://user:***@host/'],
    ['user:secret@host/ws', 'user:***@host/ws'],
    ['ws://user:secret@', 'ws://user:***@'],
    ['ws://user:se/cr#e?t@host/ws', 'ws://user:***@host/ws'],
    ['ws://user:12secret@host', 'ws://user:***@host'],
  ])('hides the password of %s', (url, shown) => expect(shown_url(url)).toBe(shown))

  it.each([
    ['ws://host/ws?token=secret&room=1', 'ws://host/ws?***'],
    ['ws://host?secret', 'ws://host?***'],
    ['ws://[::1]:8081/ws?a=b:c@d', 'ws://[::1]:8081/ws?***'],
    ['ws://host/ws?a\nsecret', 'ws://host/ws?***'],
    ['ws://host/ws#secret', 'ws://host/ws#***'],
    ['ws://host/ws?a#secret', 'ws://host/ws?***'],
  ])('hides the query and the fragment of %s', (url, shown) => expect(shown_url(url)).toBe(shown))

  it.each([
    'ws://host/ws?',
    'ws://user@host/',
    'ws://host:8081/a:b@c',
    'ws://[::1]:8081/a:b@c',
    'ws+unix:/run/ws@1:/a@b',
    'ws://host/a=b',
  ])('leaves %s as it is', url => expect(shown_url(url)).toBe(url))
})
