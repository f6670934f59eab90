import { describe, expect, test } from 'vitest'
import { per_message_deflate, ws_settings } from '../../src/node/ws_settings.js'

describe('per_message_deflate', () => {
  test('is false where compression is off', () => {
    expect(per_message_deflate(false)).toBe(false)
  })

  test.each([
    ['true', true, 1_024, 6],
    ['no wish', {}, 1_024, 6],
    ['a threshold', { threshold: 10 }, 10, 6],
    ['a threshold of 0, which compresses everything', { threshold: 0 }, 0, 6],
    ['a level', { level: 9 }, 1_024, 9],
    ['both', { threshold: 10, level: 1 }, 10, 1],
    ['undefined for both', { threshold: undefined, level: undefined }, 1_024, 6],
  ])(
    'says threshold and level, and no context takeover (RFC 7692 §7.1.1), for %s',
    (_, compression, threshold, level) => {
      expect(per_message_deflate(compression)).toEqual({
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        threshold,
        zlibDeflateOptions: { level },
      })
    },
  )
})

test('ws is told every option that it shares, and no default of its own decides', () => {
  const options = { max_payload: 1, max_fragments: 2, compression: false }
  expect(ws_settings(options)).toEqual({
    maxPayload: 1,
    maxFragments: 2,
    closeTimeout: 2_147_483_647,
    perMessageDeflate: false,
    skipUTF8Validation: false,
    autoPong: false,
    allowSynchronousEvents: true,
  })
})
