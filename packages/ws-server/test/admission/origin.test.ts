import { describe, expect, it } from 'vitest'
import {
  type AllowedOrigins,
  is_allowed_origins,
  normalize_origin,
  OriginPolicy,
  ReportedOrigins,
} from '../../src/admission/origin.js'
import type { HandshakeRequest } from '../../src/index.js'

interface Given {
  readonly host?: string
  readonly on_loopback?: boolean
}

/** Returns why a page of `origin` is refused. */
function refusal_reason(
  allowed: AllowedOrigins | undefined,
  origin: string,
  { host = 'chat.example', on_loopback = false }: Given = {},
): string | undefined {
  return new OriginPolicy(allowed).refusal_reason({
    origin,
    host,
    is_bound_to_loopback: () => on_loopback,
    request: () => ({ path: '/ws' }) as HandshakeRequest,
  })
}

describe('an origin', () => {
  it.each([
    ['https://example.com', 'https://example.com'],
    ['HTTPS://Example.COM', 'https://example.com'],
    ['https://example.com:443', 'https://example.com'],
    ['http://example.com:80', 'http://example.com'],
    ['http://example.com:443', 'http://example.com:443'],
    ['http://localhost:5173', 'http://localhost:5173'],
    ['http://[2001:DB8:0:0::1]:8080', 'http://[2001:db8::1]:8080'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['null', 'null'],
    ['file://', 'file://'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
    ['Tauri://LocalHost', 'tauri://localhost'],
  ])('%s is compared as %s', (text, normal) => {
    expect(normalize_origin(text)).toBe(normal)
  })

  it.each([
    '',
    ' ',
    'example.com',
    'NULL',
    'https://',
    'https:example.com',
    'https:///example.com',
    'https://example.com/',
    'https://example.com?x',
    'https://example.com#x',
    'https://user@example.com',
    'https://user:pass@example.com',
    'https://example.com\\@evil.example',
    'http://a.example, http://b.example',
    'http://a.example http://b.example',
    'http://a.example:99999',
    'http://a.example:80:80',
    'http://[::1',
    'http://1.2.3.4.5',
    'http://ex ample.com',
    'data:text/html,x',
  ])('%j is none', text => {
    expect(normalize_origin(text)).toBeUndefined()
  })
})

describe('by default', () => {
  it.each([
    ['https://chat.example', 'chat.example'],
    ['https://chat.example', 'chat.example:8081'],
    ['https://CHAT.example:444', 'chat.EXAMPLE:8081'],
    ['https://chat.example', 'chat.example.'],
    ['https://chat.example.', 'chat.example'],
    ['https://xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['http://192.0.2.7:3000', '192.0.2.7:8081'],
    ['http://[2001:db8::1]:3000', '[2001:DB8:0::1]:8081'],
    ['http://localhost:5173', 'chat.example'],
    ['http://app.localhost', 'chat.example'],
    ['http://127.0.0.1:8080', 'chat.example'],
    ['http://127.255.0.9', 'chat.example'],
    ['http://[::1]:8080', 'chat.example'],
    ['http://LOCALHOST.', 'chat.example'],
    ['tauri://localhost', 'chat.example'],
    ['http://localhost/', 'chat.example'],
    ['https://chat.example:444/', 'chat.example'],
  ])('a page of %s may call %s', (origin, host) => {
    expect(refusal_reason(undefined, origin, { host })).toBeUndefined()
  })

  it.each([
    ['https://evil.example', 'chat.example'],
    ['https://evil-chat.example', 'chat.example'],
    ['https://sub.chat.example', 'chat.example'],
    ['https://chat.example.evil.example', 'chat.example'],
    ['http://localhost.evil.example', 'chat.example'],
    ['http://127.0.0.1.evil.example', 'chat.example'],
    ['http://evil-localhost', 'chat.example'],
    ['http://128.0.0.1', 'chat.example'],
    ['http://chat.example@evil.example', 'chat.example'],
    ['http://evil.example:80@chat.example', 'chat.example'],
    ['http://evil.example#chat.example', 'chat.example'],
    ['https://chat.example, https://evil.example', 'chat.example'],
    ['https://xn--bcher-kva.example', 'bucher.example'],
    ['null', 'chat.example'],
    ['null', ''],
    ['file://', ''],
    ['file://', 'chat.example'],
    ['', 'chat.example'],
    ['', ''],
    ['https://chat.example', ''],
    ['https://evil.example', 'chat.example@evil.example'],
    ['https://evil.example', 'evil.example/chat.example'],
    ['https://evil.example', 'evil.example, chat.example'],
    ['https://evil.example', 'chat.example:x'],
    ['https://evil.example/', 'chat.example'],
    ['http://localhost//', 'chat.example'],
    ['http://localhost/app', 'chat.example'],
    ['https://chat.example', 'chat.example/'],
    ['/', 'chat.example'],
  ])('a page of %j may not call %j', (origin, host) => {
    expect(refusal_reason(undefined, origin, { host })).toBeTypeOf('string')
  })

  it.each([
    ['http://localhost:5173', '127.0.0.1:8081'],
    ['http://localhost:5173', 'localhost:8081'],
    ['http://127.0.0.1', '[::1]:8081'],
    ['http://app.localhost:1', 'app.localhost:2'],
  ])('a page of %s may call a server bound to loopback as %s', (origin, host) => {
    expect(refusal_reason(undefined, origin, { host, on_loopback: true })).toBeUndefined()
  })

  it.each([
    ['http://rebound.example:8081', 'rebound.example:8081'],
    ['http://rebound.example', 'rebound.example'],
    ['http://localhost:5173', 'rebound.example'],
    ['http://192.0.2.7', '192.0.2.7'],
    ['http://0.0.0.0:8081', '0.0.0.0:8081'],
    ['http://localhost', ''],
  ])('a page of %s may not call a server bound to loopback as %j (DNS rebinding)', (origin, host) => {
    expect(refusal_reason(undefined, origin, { host, on_loopback: true })).toMatch(
      /DNS rebinding.*set origins: \["/,
    )
  })
})

describe('a list', () => {
  const list = [
    'https://Example.com:443',
    'http://localhost:5173',
    'null',
    'file://',
    'chrome-extension://ABC',
  ]

  it.each([
    'https://example.com',
    'https://example.com/',
    'http://localhost:5173',
    'null',
    'file://',
    'chrome-extension://abc',
    'chrome-extension://abc/',
  ])('lets %s in that it names, by whatever name the server is called', origin => {
    expect(refusal_reason(list, origin, { on_loopback: true })).toBeUndefined()
  })

  it.each([
    ['http://example.com', /add "http:\/\/example.com" there/],
    ['https://example.com:8443', /add "https:\/\/example.com:8443" there/],
    ['http://localhost', /add "http:\/\/localhost" there/],
    ['https://chat.example', /add "https:\/\/chat.example" there/],
    ['https://example.com/chat', /not one origin/],
  ])('refuses %s, and names what would allow it', (origin, said) => {
    expect(refusal_reason(list, origin)).toMatch(said)
  })

  it('that is empty lets no page in', () => {
    expect(refusal_reason([], 'http://localhost')).toBeTypeOf('string')
  })

  it.each([
    ['example.com', 'write "https://example.com"'],
    ['example.com:8443/path', 'write "https://example.com:8443"'],
    ['//example.com', 'write "https://example.com"'],
    ['https://example.com/', 'write "https://example.com"'],
    ['https://example.com/app?x=1', 'write "https://example.com"'],
    ['https://me:secret@example.com', 'write "https://example.com"'],
    ['wss://example.com/ws', 'write "https://example.com"'],
    ['ws://localhost:8081', 'write "http://localhost:8081"'],
    ['chrome-extension://abc/', 'write "chrome-extension://abc"'],
    ['', 'write "https://example.com"'],
    ['*', "write origins: '*', without a list"],
    ['https://*.example.com', 'give a function'],
    [7, "expected an origin such as 'https://example.com'"],
  ])('with %j in it throws an error that names the right spelling', (entry, remedy) => {
    expect(() => is_allowed_origins(['https://good.example', entry])).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringMatching(/^listen: the option origins lists .*; /),
      }),
    )
    expect(() => is_allowed_origins([entry])).toThrow(remedy)
  })

  it.each([[undefined], [null], ['https://example.com'], [true], [{}]])('is not %j', value => {
    expect(is_allowed_origins(value)).toBe(false)
  })
})

describe('a function', () => {
  it('decides by itself, and is given the origin as it came and the handshake', () => {
    const seen: unknown[] = []
    const allowed = (origin: string, request: HandshakeRequest): boolean => {
      seen.push(origin, request.path)
      return origin === 'Weird'
    }
    expect(refusal_reason(allowed, 'Weird', { on_loopback: true })).toBeUndefined()
    expect(refusal_reason(allowed, 'http://localhost')).toMatch(/returned false/)
    expect(seen).toEqual(['Weird', '/ws', 'http://localhost', '/ws'])
  })

  it.each([
    ['a promise of true', () => Promise.resolve(true), /returned a promise/],
    ['a promise that is rejected', () => Promise.reject(new Error('no')), /returned a promise/],
    ['something that is true enough', () => 1, /returned 1/],
    ['nothing', () => undefined, /returned undefined/],
  ])('that returns %s allows no page', (_name, allowed, said) => {
    expect(refusal_reason(allowed as never, 'https://example.com')).toMatch(said)
  })
})

it("'*' lets every page in", () => {
  expect(refusal_reason('*', 'https://evil.example', { on_loopback: true })).toBeUndefined()
  expect(refusal_reason('*', '')).toBeUndefined()
})

describe('ReportedOrigins', () => {
  it('takes each origin for news once, however it is written', () => {
    const reported = new ReportedOrigins()
    expect(
      ['https://a.example', 'https://A.example:443', 'https://a.example/', 'http://a.example'].map(o =>
        reported.should_report(o),
      ),
    ).toEqual([true, false, false, true])
  })

  it('takes all that are none for one', () => {
    const reported = new ReportedOrigins()
    expect(['', 'x', 'y/z'].map(origin => reported.should_report(origin))).toEqual([true, false, false])
  })

  it('remembers a hundred, and then takes nothing for news', () => {
    const reported = new ReportedOrigins()
    const news = Array.from({ length: 1_000 }, (_, i) => reported.should_report(`https://${i}.example`))
    expect(news.filter(Boolean)).toHaveLength(100)
    expect(reported.is_full).toBe(true)
  })
})
