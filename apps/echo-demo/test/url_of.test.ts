import { expect, it } from 'vitest'
import { url_of } from '../src/server/url_of.ts'

it.each([
  ['127.0.0.1:8081', 'ws://127.0.0.1:8081/ws'],
  ['0.0.0.0:8081', 'ws://127.0.0.1:8081/ws'],
  ['[::]:8081', 'ws://[::1]:8081/ws'],
  ['[::1]:8081', 'ws://[::1]:8081/ws'],
  ['unix:/tmp/echo', 'ws+unix:/tmp/echo:/ws'],
])('reaches %s at %s', (addr, url) => {
  expect(url_of(addr, '/ws')).toBe(url)
})

it('reaches a server over TLS by wss:', () => {
  expect(url_of('0.0.0.0:8443', '/ws', true)).toBe('wss://127.0.0.1:8443/ws')
})
