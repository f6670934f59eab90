import { describe, expect, it } from 'vitest'
import { ClientRequest } from '../../src/handshake/request.js'
import {
  RELAY_ID_BYTES,
  type RelayMessage,
  type RelayOpening,
  read_relay_message,
  write_relay_message,
} from '../../src/sessions/relay_message.js'
import type { SessionIdentity } from '../../src/sessions/sessions_option.js'

/** An identifier with every kind of byte. */
const ID = Buffer.from(Array.from({ length: RELAY_ID_BYTES }, (_, i) => i * 17)).toString('latin1')

const carried = (message: RelayMessage): RelayMessage => {
  const read = read_relay_message(write_relay_message(ID, message))
  expect(read?.id).toBe(ID)
  return read?.message as RelayMessage
}

const certificate = {
  subject: { CN: 'anna' },
  issuer: { CN: 'ca' },
  subject_alt_names: ['DNS:a.example'],
  fingerprint256: 'AA:BB',
  serial_number: '01',
  valid_from: new Date('2026-01-02T03:04:05Z'),
  valid_to: new Date('2027-01-02T03:04:05Z'),
}

function opening(
  identity: SessionIdentity | undefined,
  given?: typeof certificate,
  endpoint: RelayOpening['client']['endpoint'] = { ip: '::1', port: 7 },
): Extract<RelayMessage, { readonly type: 'open' }> {
  const headers = { host: 'a.example', 'x-name': 'ä' }
  const request = new ClientRequest('/rooms/7?a=1', { room: '7' }, headers, 'chat', given)
  return {
    type: 'open',
    opening: { hello: Uint8Array.of(0, 1, 200), identity, client: { endpoint, request } },
  }
}

const carried_opening = (message: RelayMessage): RelayOpening => {
  const read = carried(message)
  if (read.type !== 'open') throw new Error(`read ${read.type}`)
  return read.opening
}

describe('a message between two servers', () => {
  it.each<RelayMessage>([
    { type: 'accepted' },
    { type: 'refused' },
    { type: 'data', number: 4_294_967_295, bytes: Uint8Array.of(1, 2, 3) },
    { type: 'data', number: 0, bytes: new Uint8Array() },
    { type: 'credit', bytes: 262_144 },
    { type: 'failed', failure: { code: 'message_too_large', message: '太大', close_code: 1_009 } },
    { type: 'close', code: 4_000, reason: 'bis später' },
    { type: 'gone', code: 1_006, reason: '', is_close_sent: true },
  ])('arrives as it was sent: %o', message => {
    const read = carried(message)
    if (message.type === 'data' && read.type === 'data')
      expect({ ...read, bytes: Uint8Array.from(read.bytes) }).toEqual(message)
    else expect(read).toEqual(message)
  })

  it('carries the hello of a client and its request', () => {
    const { hello, client } = carried_opening(opening('anna'))
    expect(hello).toEqual(Uint8Array.of(0, 1, 200))
    expect(client.endpoint).toEqual({ ip: '::1', port: 7 })
    const { url, path, query, params, headers, protocol, certificate: none } = client.request
    expect([url, path, String(query), params, protocol, none]).toEqual([
      '/rooms/7?a=1',
      '/rooms/7',
      'a=1',
      { room: '7' },
      'chat',
      undefined,
    ])
    expect(headers).toEqual({ host: 'a.example', 'x-name': 'ä' })
  })

  it('carries the certificate of a client, with its dates, and an endpoint without an address', () => {
    const { client } = carried_opening(opening(undefined, certificate, 'unix:/run/a.sock'))
    expect(client.request.certificate).toEqual(certificate)
    expect(client.endpoint).toBe('unix:/run/a.sock')
  })

  it.each([
    ['text', 'anna'],
    ['text that looks like a number', '7'],
    ['empty text', ''],
    ['a number', 7],
    ['a fraction', 0.1],
    ['a large bigint', 2n ** 80n],
    ['no identity', undefined],
  ])('carries %s as an identity of the same type', (_, identity) => {
    expect(carried_opening(opening(identity)).identity).toBe(identity)
  })

  it.each([
    ['nothing', []],
    ['half an identifier', [1, 2, 3]],
    ['an unknown type', [99, ...Buffer.from(ID, 'latin1')]],
    ['data without a number', [3, ...Buffer.from(ID, 'latin1'), 0, 0]],
    ['a credit without a size', [4, ...Buffer.from(ID, 'latin1')]],
    ['an opening that is no JSON', [0, ...Buffer.from(ID, 'latin1'), ...Buffer.from('{')]],
    ['an opening without a request', [0, ...Buffer.from(ID, 'latin1'), ...Buffer.from('{}')]],
  ])('is ignored if it is %s', (_, bytes) => {
    expect(read_relay_message(Uint8Array.from(bytes))).toBeUndefined()
  })
})
