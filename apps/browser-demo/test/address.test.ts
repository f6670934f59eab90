import { createServer } from 'node:net'
import { address_text, listening, parse_bound, parse_loopback } from '@bt/demo-support/address'
import { expect, it } from 'vitest'

it.each(['127.0.0.1:8080', '127.1.2.3:0', '[::1]:65535'])('reads %s, and writes it again', text => {
  const address = parse_loopback(text)
  expect(address).toBeDefined()
  if (address !== undefined) expect(address_text(address)).toBe(text)
})

it.each(['', '8080', ':8080', 'localhost:8080', '0.0.0.0:8080', '127.0.0.1', '127.0.0.1:65536', '::1:8080'])(
  'rejects %s, which is no loopback address',
  text => {
    expect(parse_loopback(text)).toBeUndefined()
    expect(() => parse_bound(text)).toThrow('is no loopback address')
  },
)

it('handles no errors of a server once it listens', async () => {
  const server = createServer()
  await listening(server, { host: '127.0.0.1', port: 0 })
  expect(() => server.emit('error', new Error('later'))).toThrow('later')
  server.close()
})
