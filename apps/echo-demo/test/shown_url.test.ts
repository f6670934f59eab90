import { expect, it } from 'vitest'
import { shown_url } from '../src/client/shown_url.ts'

it.each([
  ['ws://127.0.0.1:8081/ws', 'ws://127.0.0.1:8081/ws'],
  ['wss://[::1]:8081/ws', 'wss://[::1]:8081/ws'],
  ['ws://ada:secret@host/ws', 'ws://***@host/ws'],
  ['ws://secret@host/ws?secret', 'ws://***@host/ws?***'],
  ['ws:ada@corp.com:secret@host/ws', 'ws://***@host/ws'],
  ['ws+unix:/run/ws.sock:/ws?secret', 'ws+unix:/run/ws.sock:/ws?***'],
])('shows %s as %s', (url, shown) => {
  expect(shown_url(url)).toBe(shown)
})
