import type { NetErrorCode } from '@bt/ws-protocol'
import type { ClientEndpoint } from '../handshake/client_address.js'
import { ClientRequest, type HandshakeRequest } from '../handshake/request.js'
import type { SessionClient } from './server_session.js'
import type { SessionIdentity } from './sessions_option.js'

/** The bytes of an identifier of a relay. */
export const RELAY_ID_BYTES = 16
const HEADER_BYTES = 1 + RELAY_ID_BYTES
/** The bytes that a message with data takes beside the data. */
export const DATA_OVERHEAD_BYTES: number = HEADER_BYTES + 4

/** What the server that a client is connected to sends to the one that holds its session, and back. */
export type RelayMessage =
  /** A client asks for its session: its hello, and who it is. */
  | { readonly type: 'open'; readonly opening: RelayOpening }
  /** The session goes on. Its welcome follows as data. */
  | { readonly type: 'accepted' }
  /** There is no such session, or not for this client. */
  | { readonly type: 'refused' }
  /** A piece of frames; pieces are numbered from 0, so that a gap shows. */
  | { readonly type: 'data'; readonly number: number; readonly bytes: Uint8Array }
  /** How many bytes of data the other side may send in addition. */
  | { readonly type: 'credit'; readonly bytes: number }
  /** The client has broken a rule. */
  | { readonly type: 'failed'; readonly failure: RelayFailure }
  /** The holder closes the socket in order. */
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  /** The socket has ended, or has to. */
  | { readonly type: 'gone'; readonly code: number; readonly reason: string; readonly is_close_sent: boolean }

/** The error for a client's broken rule, and the code to close with. */
export interface RelayFailure {
  readonly code: NetErrorCode
  readonly message: string
  readonly close_code: number
}

/** What the holder of a session has to know about a client on another server. */
export interface RelayOpening {
  readonly hello: Uint8Array
  readonly identity: SessionIdentity | undefined
  readonly client: SessionClient
}

const TYPES = ['open', 'accepted', 'refused', 'data', 'credit', 'failed', 'close', 'gone'] as const

/** Returns the bytes of a message for the relay with that identifier. */
export function write_relay_message(id: string, message: RelayMessage): Uint8Array {
  const body = body_of(message)
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length)
  bytes[0] = TYPES.indexOf(message.type)
  bytes.write(id, 1, 'latin1')
  bytes.set(body, HEADER_BYTES)
  return bytes
}

/** Returns a message and the identifier of its relay; `undefined` if no server of this version has written it. */
export function read_relay_message(
  bytes: Uint8Array,
): { readonly id: string; readonly message: RelayMessage } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (buffer.length < HEADER_BYTES) return undefined
  try {
    const message = read_body(TYPES[buffer[0] as number], buffer.subarray(HEADER_BYTES))
    return message && { id: buffer.toString('latin1', 1, HEADER_BYTES), message }
  } catch {
    // The body is too short, or no JSON.
    return undefined
  }
}

function body_of(message: RelayMessage): Uint8Array {
  switch (message.type) {
    case 'data': {
      const body = Buffer.allocUnsafe(4 + message.bytes.length)
      body.writeUInt32BE(message.number)
      body.set(message.bytes, 4)
      return body
    }
    case 'credit': {
      const body = Buffer.allocUnsafe(4)
      body.writeUInt32BE(message.bytes)
      return body
    }
    case 'open':
      return json(opening_json(message.opening))
    case 'failed':
      return json(message.failure)
    case 'close':
    case 'gone':
      return json({ ...message, type: undefined })
    default:
      return Buffer.alloc(0)
  }
}

function read_body(type: RelayMessage['type'] | undefined, body: Buffer): RelayMessage | undefined {
  switch (type) {
    case 'data':
      return { type, number: body.readUInt32BE(0), bytes: body.subarray(4) }
    case 'credit':
      return { type, bytes: body.readUInt32BE(0) }
    case 'open':
      return { type, opening: opening_of(JSON.parse(String(body))) }
    case 'failed':
      return { type, failure: JSON.parse(String(body)) }
    case 'close':
    case 'gone':
      return { type, ...JSON.parse(String(body)) }
    case 'accepted':
    case 'refused':
      return { type }
    default:
      return undefined
  }
}

function json(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

/** A {@link RelayOpening} as JSON. */
interface OpeningJson {
  readonly hello: string
  readonly identity?: { readonly type: 'string' | 'number' | 'bigint'; readonly text: string } | undefined
  readonly endpoint: ClientEndpoint
  readonly request: Pick<HandshakeRequest, 'url' | 'params' | 'headers' | 'protocol' | 'certificate'>
}

function opening_json({ hello, identity, client }: RelayOpening): OpeningJson {
  const { url, params, headers, protocol, certificate } = client.request
  return {
    hello: Buffer.from(hello).toString('base64'),
    identity: identity === undefined ? undefined : { type: identity_type(identity), text: String(identity) },
    endpoint: client.endpoint,
    request: { url, params, headers, protocol, certificate },
  }
}

function opening_of({ hello, identity, endpoint, request }: OpeningJson): RelayOpening {
  const { url, params, headers, protocol, certificate } = request
  const dated = certificate && {
    ...certificate,
    valid_from: new Date(certificate.valid_from),
    valid_to: new Date(certificate.valid_to),
  }
  return {
    hello: Uint8Array.from(Buffer.from(hello, 'base64')),
    identity: identity && identity_of(identity),
    client: { endpoint, request: new ClientRequest(url, params, headers, protocol, dated) },
  }
}

function identity_type(identity: SessionIdentity): 'string' | 'number' | 'bigint' {
  return typeof identity === 'string' ? 'string' : typeof identity === 'number' ? 'number' : 'bigint'
}

function identity_of({ type, text }: NonNullable<OpeningJson['identity']>): SessionIdentity {
  return type === 'string' ? text : type === 'number' ? Number(text) : BigInt(text)
}
