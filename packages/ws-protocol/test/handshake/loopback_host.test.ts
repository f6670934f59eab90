import { describe, expect, test } from 'vitest'
import { is_loopback_host } from '../../src/handshake/loopback_host.js'

describe('is_loopback_host', () => {
  test.each(['localhost', 'app.localhost', '127.0.0.1', '127.8.9.10', '[::1]'])('is true for %s', host => {
    expect(is_loopback_host(host)).toBe(true)
  })

  test.each(['localhost.example.com', '127.0.0.1.example.com', '127.example.com', '10.0.0.1', '[::2]', ''])(
    'is false for "%s"',
    host => {
      expect(is_loopback_host(host)).toBe(false)
    },
  )
})
