import {
  type Hello,
  make_frame,
  OPCODE,
  SessionViolation,
  type SocketEvents,
  write_control,
} from '@bt/ws-protocol/internal'
import { FakeClock } from '@bt/ws-protocol/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { NodeLink, NodeLinkEvents } from '../../src/cluster/node_link.js'
import type { AcceptedClient } from '../../src/handshake/accepted_client.js'
import { ClientRequest } from '../../src/handshake/request.js'
import {
  type RelayMessage,
  read_relay_message,
  write_relay_message,
} from '../../src/sessions/relay_message.js'
import type { SessionClaim } from '../../src/sessions/session_claim.js'
import { SessionRelay } from '../../src/sessions/session_relay.js'
import { UnclaimedSocket } from '../../src/sessions/unclaimed_socket.js'
import { TotalInboxBudget } from '../../src/sockets/inbox_budget.js'
import { FakeWire } from './fake_wire.js'

const OWN = Buffer.alloc(16, 1)
const OTHER = '02020202-0202-0202-0202-020202020202'
const HELLO: Hello = {
  type: 'hello',
  token: new Uint8Array(32).fill(2),
  received: 0,
  handled: 0,
  window: 262_144,
}
const GONE = { type: 'gone', code: 1_006, reason: '', is_close_sent: false }
const ID = 'r'.repeat(16)

/** The link of a server, at whose other end a test speaks by hand. */
class HandLink implements NodeLink {
  readonly node = OWN
  readonly max_bytes = 1_048_576
  readonly sent: { readonly node: string; readonly id: string; readonly message: RelayMessage }[] = []
  events!: NodeLinkEvents

  knows(node: string): boolean {
    return node === OTHER
  }

  send(node: string, bytes: Uint8Array): void {
    const read = read_relay_message(bytes)
    if (read !== undefined) this.sent.push({ node, ...read })
  }

  receive(events: NodeLinkEvents): void {
    this.events = events
  }

  /** Receives a message from the other server, for the latest relay unless another one is named. */
  say(message: RelayMessage, id: string = this.sent.at(-1)?.id ?? ID, node = OTHER): void {
    this.events.received(node, write_relay_message(id, message))
  }

  get latest(): RelayMessage | undefined {
    return this.sent.at(-1)?.message
  }
}

let link: HandLink
let clock: FakeClock
let relay: SessionRelay
let wire: FakeWire
let socket: UnclaimedSocket
let claims: SessionClaim[]
/** What the sessions of this server say to a client of the other one. */
let claim: (claim: SessionClaim) => boolean
let empties: number
let otherwise: number

beforeEach(() => {
  link = new HandLink()
  clock = new FakeClock()
  wire = new FakeWire()
  claims = []
  claim = () => false
  empties = otherwise = 0
  relay = new SessionRelay(link, new TotalInboxBudget(1_000_000).for_sessions(), clock, {
    claimed: wanted => {
      claims.push(wanted)
      return claim(wanted)
    },
    emptied: () => {
      empties += 1
    },
  })
})

/** A client of this server asks the other one for its session. */
function ask(): void {
  const request = new ClientRequest('/ws', {}, {}, '', undefined)
  const client: Pick<AcceptedClient, 'request' | 'endpoint'> = { request, endpoint: 'unix:/a' }
  socket = new UnclaimedSocket(
    wire,
    client as AcceptedClient,
    { clock, timeout_ms: 60_000 },
    { greeted() {}, done() {}, report() {} },
  )
  socket.socket_message(write_control(HELLO))
  relay.ask(OTHER, socket, { hello: HELLO, identity: 'anna', client, wire, give() {} }, () => {
    otherwise += 1
  })
}

/** Receives a client of the other server, which asks for a session of this one. */
function receive_client(id = ID): void {
  const request = new ClientRequest('/ws', {}, {}, '', undefined)
  link.say(
    {
      type: 'open',
      opening: { hello: write_control(HELLO), identity: undefined, client: { endpoint: 'unix:/a', request } },
    },
    id,
  )
}

describe('the relay of a client whose session is elsewhere', () => {
  it('is asked for with its hello and its identity, and is open once that is accepted', () => {
    ask()
    expect(link.sent[0]).toMatchObject({ node: OTHER, message: { type: 'open' } })
    expect(relay.entries).toBe(0)
    link.say({ type: 'accepted' })
    expect([relay.entries, otherwise, clock.timers]).toEqual([1, 0, 0])
    const frame = make_frame(OPCODE.TEXT, Buffer.from('a'), false)
    link.say({ type: 'data', number: 0, bytes: frame })
    expect(wire.written).toEqual([Uint8Array.from(frame)])
  })

  it('is none after two seconds without an answer, and a late one is answered with gone', () => {
    ask()
    clock.advance(1_999)
    expect(otherwise).toBe(0)
    clock.advance(1)
    expect(otherwise).toBe(1)
    link.say({ type: 'accepted' })
    expect(link.latest).toEqual(GONE)
    expect([relay.entries, wire.events]).toEqual([0, undefined])
  })

  it('is none if the holder refuses, or has no such relay', () => {
    ask()
    link.say({ type: 'refused' })
    expect(otherwise).toBe(1)
    ask()
    link.say({ type: 'gone', code: 1_006, reason: '', is_close_sent: false })
    expect([otherwise, relay.entries]).toEqual([2, 0])
  })

  it('is ended at the holder if the client has left before it answered', () => {
    ask()
    socket.socket_closed()
    link.say({ type: 'accepted' })
    expect(link.latest).toEqual(GONE)
    expect([relay.entries, otherwise]).toEqual([0, 0])
  })

  it('ends if pieces are missing, and when the client has left', () => {
    ask()
    link.say({ type: 'accepted' })
    link.say({ type: 'data', number: 1, bytes: new Uint8Array() })
    expect(wire.calls).toEqual(['terminate'])
    wire.events?.socket_closed(1_006, '')
    expect(link.latest).toEqual(GONE)
    expect([relay.entries, empties]).toEqual([0, 1])
  })

  it('is lost with the holder, whether it is open or asked for', () => {
    ask()
    link.events.left('another server')
    expect(otherwise).toBe(0)
    link.events.left(OTHER)
    expect([otherwise, clock.timers]).toEqual([1, 0])
    ask()
    link.say({ type: 'accepted' })
    link.events.left('another server')
    expect(wire.calls).toEqual([])
    link.events.left(OTHER)
    expect(wire.calls).toEqual(['terminate'])
  })

  it('is lost with the broker', () => {
    ask()
    link.events.lost()
    expect(otherwise).toBe(1)
  })

  it('takes no messages from a server that is not its holder', () => {
    ask()
    const { id } = link.sent[0] as { id: string }
    link.say({ type: 'accepted' }, id, 'another server')
    expect([relay.entries, link.latest]).toEqual([0, GONE])
    link.say({ type: 'accepted' }, id)
    link.say({ type: 'close', code: 1_000, reason: '' }, id, 'another server')
    expect(wire.calls).toEqual([])
  })
})

describe('the relay of a client of another server', () => {
  it('carries what its session sends once the session has taken it', () => {
    claim = ({ give, wire }) => {
      give({ inbox: { bytes: 0 } } as SocketEvents)
      wire.write({
        messages: 1,
        frame_bytes: 3,
        frames: Uint8Array.of(0x81, 1, 65),
        release() {},
      } as Parameters<typeof wire.write>[0])
      return true
    }
    receive_client()
    expect(link.sent.map(({ message }) => message.type)).toEqual(['accepted', 'data'])
    expect(claims[0]).toMatchObject({ hello: HELLO, client: { endpoint: 'unix:/a' } })
  })

  it.each([
    ['there is no such session', () => false],
    [
      'the counts of its hello are impossible',
      () => {
        throw new SessionViolation('impossible')
      },
    ],
  ])('is refused if %s', (_, answer) => {
    claim = answer
    receive_client()
    expect(link.latest).toEqual({ type: 'refused' })
    receive_client()
    expect(claims).toHaveLength(2)
  })

  it('is refused if its hello is none', () => {
    const request = new ClientRequest('/ws', {}, {}, '', undefined)
    for (const hello of [Uint8Array.of(9), write_control({ type: 'ping' })])
      link.say({ type: 'open', opening: { hello, identity: undefined, client: { endpoint: '', request } } })
    expect(link.sent.map(({ message }) => message.type)).toEqual(['refused', 'refused'])
    expect(claims).toEqual([])
  })

  it('does not hide an error of this server', () => {
    claim = () => {
      throw new Error('a defect')
    }
    expect(() => receive_client()).toThrow('a defect')
  })
})

it.each<RelayMessage>([
  { type: 'accepted' },
  { type: 'data', number: 0, bytes: Uint8Array.of(1) },
  { type: 'credit', bytes: 1 },
  { type: 'close', code: 1_000, reason: '' },
])('answers $type for a relay that it does not know with gone', message => {
  link.say(message)
  expect(link.latest).toEqual(GONE)
})

it('does not answer gone, refused, or what it cannot read, so that two servers never answer each other', () => {
  link.say({ type: 'gone', code: 1_006, reason: '', is_close_sent: false })
  link.say({ type: 'refused' })
  link.events.received(OTHER, Uint8Array.of(1, 2))
  expect(link.sent).toEqual([])
})

it('knows the holder of a token only if that is another server that is running', () => {
  const token_of = (node: Uint8Array): Uint8Array => Buffer.concat([Buffer.alloc(16), node])
  expect(relay.holder_of(token_of(Buffer.alloc(16, 2)))).toBe(OTHER)
  expect(relay.holder_of(token_of(OWN))).toBeUndefined()
  expect(relay.holder_of(token_of(Buffer.alloc(16, 3)))).toBeUndefined()
  expect(relay.holder_of(Buffer.alloc(16, 2))).toBeUndefined()
  expect(relay.holder_of(new Uint8Array())).toBeUndefined()
})
