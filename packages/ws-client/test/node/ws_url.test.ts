import { describe, expect, it } from 'vitest'
import { is_ws_url, parse_ws_url } from '../../src/node/ws_url.js'

describe('is_ws_url', () => {
  it.each([
    'ws://127.0.0.1:8081/ws',
    'ws://localhost',
    'ws://[::1]:8081/ws?room=1',
    'WS://host/',
    'wss://host/ws',
    'wss://[::1]:8443/ws?room=1',
    'ws://user:secret@host/ws',
    'ws://host/聊天',
    'ws+unix:/run/echo.sock:/ws',
    'ws+unix:/run/echo.sock',
  ])('accepts %s', url => expect(is_ws_url(url)).toBe(true))

  it.each([
    '',
    'nonsense',
    '127.0.0.1:8081',
    'http://127.0.0.1:8081/ws',
    'ws://',
    'ws://host:70000/',
    'wss://host/ws#part',
    'wss+unix:/run/echo.sock:/ws',
    'ws://host/ws#part',
    'ws+unix:relative.sock:/ws',
    'ws+unix://run/echo.sock:/ws',
    'ws+unix:/tmp/%zz:/ws',
    'ws+unix:/tmp/a::99999/ws',
    'ws+unix:/tmp/a:ws',
    'ws+unix:/tmp/a:8080/ws',
    'ws+unix:/tmp/%00:/ws',
    42,
    undefined,
    new URL('ws://host/'),
  ])('rejects %s', url => expect(is_ws_url(url)).toBe(false))
})

describe('parse_ws_url', () => {
  it.each(['ws://127.0.0.1:8081/ws?a=1', 'wss://host/ws?a=1'])('returns %s for TCP unchanged', text => {
    const { unix_path, url } = parse_ws_url(text)
    expect(unix_path).toBeUndefined()
    expect(url.href).toBe(text)
  })

  it.each([
    ['ws+unix:/run/echo.sock:/ws?a=1', '/run/echo.sock', 'ws://localhost/ws?a=1'],
    ['ws+unix:/run/my%20echo.sock:/ws', '/run/my echo.sock', 'ws://localhost/ws'],
    ['ws+unix:///run/echo.sock:/a:b', '/run/echo.sock', 'ws://localhost/a:b'],
    ['ws+unix:/run/echo.sock', '/run/echo.sock', 'ws://localhost/'],
  ])('splits %s', (text, path, href) => {
    const { unix_path, url } = parse_ws_url(text)
    expect(unix_path).toBe(path)
    expect(url.href).toBe(href)
  })
})
