import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Control, read_control, SESSION_PROTOCOL, write_control } from '../../src/session/control.js'
import { seeded_random, test_seed } from '../seeded_random.js'

type Vector = { readonly bytes: string } & Record<string, unknown>

interface Vectors {
  readonly protocol: string
  readonly valid: readonly Vector[]
  readonly invalid: readonly { readonly bytes: string; readonly why: string }[]
}

const VECTORS = JSON.parse(readFileSync(new URL('control_vectors.json', import.meta.url), 'utf8')) as Vectors

const from_hex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

const shown = (message: Control | undefined): unknown =>
  message !== undefined && 'token' in message
    ? { ...message, token: Buffer.from(message.token).toString('hex') }
    : message

const message_of = ({ bytes: _, ...fields }: Vector): Control =>
  ('token' in fields ? { ...fields, token: from_hex(String(fields.token)) } : fields) as unknown as Control

describe('a control message', () => {
  it('is one of the subprotocol that the vectors are for', () => {
    expect(VECTORS.protocol).toBe(SESSION_PROTOCOL)
  })

  it.each(VECTORS.valid)('$bytes is read and written: $type', vector => {
    const { bytes, ...fields } = vector
    expect(shown(read_control(from_hex(bytes)))).toEqual(fields)
    expect(Buffer.from(write_control(message_of(vector))).toString('hex')).toBe(bytes)
  })

  it.each(VECTORS.invalid)('$bytes is none: $why', ({ bytes }) => {
    expect(read_control(from_hex(bytes))).toBeUndefined()
  })

  it.each(VECTORS.valid)('is none without its last byte, or with one more: $bytes', ({ bytes }) => {
    expect(read_control(from_hex(bytes).subarray(0, -1))).toBeUndefined()
    expect(read_control(from_hex(`${bytes}00`))).toBeUndefined()
  })

  it(`is the same bytes again if random bytes are one (TEST_SEED=${test_seed})`, () => {
    const random = seeded_random(test_seed)
    let valid = 0
    for (let run = 0; run < 20_000; run += 1) {
      const bytes = Uint8Array.from({ length: 2 + Math.floor(random() * 12) }, () => random() * 256)
      bytes.set([0, 1 + Math.floor(random() * 6)])
      const message = read_control(bytes)
      if (message === undefined) continue
      valid += 1
      expect(write_control(message)).toEqual(bytes)
    }
    expect(valid).toBeGreaterThan(100)
  })
})
