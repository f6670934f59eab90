import { NetError } from '@bt/ws-protocol'
import { type Hello, write_control } from '@bt/ws-protocol/internal'
import { FakeClock } from '@bt/ws-protocol/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { AcceptedClient } from '../../src/handshake/accepted_client.js'
import { ClientRequest } from '../../src/handshake/request.js'
import { UnclaimedSocket } from '../../src/sessions/unclaimed_socket.js'
import { FakeWire } from './fake_wire.js'

const HELLO: Hello = { type: 'hello', token: new Uint8Array(), received: 0, handled: 0, window: 1 }
const TIMEOUT_MS = 1_000

let wire: FakeWire
let clock: FakeClock
let hellos: Hello[]
let errors: string[]
let is_done: boolean
let socket: UnclaimedSocket

beforeEach(() => {
  wire = new FakeWire()
  clock = new FakeClock()
  hellos = []
  errors = []
  is_done = false
  const client: Pick<AcceptedClient, 'request'> = {
    request: new ClientRequest('/ws?secret=1', {}, {}, '', undefined),
  }
  socket = new UnclaimedSocket(
    wire,
    client as AcceptedClient,
    { clock, timeout_ms: TIMEOUT_MS },
    {
      greeted: (_, hello) => hellos.push(hello),
      done: () => {
        is_done = true
      },
      report: ({ message }) => errors.push(message),
    },
  )
})

const greet = (): void => socket.socket_message(write_control(HELLO))

describe('a socket that belongs to no session yet', () => {
  it('waits for a hello no longer than it may, and not without end for the answer to its Close', () => {
    clock.advance(TIMEOUT_MS)
    expect(errors).toEqual(['closed with 1002: the client of /ws did not say which session it wants'])
    expect(wire.calls).toEqual(['close 1002'])
    clock.advance(TIMEOUT_MS)
    expect(wire.calls).toEqual(['close 1002', 'terminate'])
    socket.socket_closed()
    expect([is_done, clock.timers]).toEqual([true, 0])
  })

  it('is claimed by one hello, and given away', () => {
    greet()
    expect([hellos.length, socket.is_claimable]).toEqual([1, true])
    clock.advance(10 * TIMEOUT_MS)
    const other = new UnclaimedSocket(
      wire,
      socket.client,
      { clock, timeout_ms: 1 },
      { greeted() {}, done() {}, report() {} },
    )
    socket.give_to(other)
    expect([wire.events, is_done, socket.is_claimable, wire.calls]).toEqual([other, true, false, []])
  })

  it.each([
    ['another hello', write_control(HELLO)],
    ['a text', 'too early'],
  ])('closes with 1002 if the client sends %s before it is answered', (_, data) => {
    greet()
    socket.socket_message(data)
    expect(errors).toEqual(['closed with 1002: a client spoke on before it was answered'])
    expect([wire.calls, socket.is_claimable]).toEqual([['close 1002'], false])
    // What was on its way is of no interest any more.
    socket.socket_message(data)
    expect([errors.length, wire.calls.length]).toEqual([1, 1])
  })

  it('cannot be claimed once its client has left', () => {
    greet()
    socket.socket_closed()
    expect([is_done, socket.is_claimable]).toEqual([true, false])
    socket.refuse(1_013, '')
    expect([wire.calls, clock.timers]).toEqual([[], 0])
  })

  it('cannot be claimed once its client has sent its Close, whose end has a deadline', () => {
    greet()
    socket.socket_ending()
    expect(socket.is_claimable).toBe(false)
    clock.advance(TIMEOUT_MS)
    expect(wire.calls).toEqual(['terminate'])
    expect(errors).toEqual([])
  })

  it('ends within the timeout if the client closes without a hello, and reports no error', () => {
    socket.socket_ending()
    clock.advance(TIMEOUT_MS)
    expect([wire.calls, errors]).toEqual([['terminate'], []])
  })

  it('can be dropped at once, and cannot be claimed from then on', () => {
    greet()
    socket.drop()
    expect([wire.calls, socket.is_claimable]).toEqual([['terminate'], false])
  })

  it('is refused once, and reports which rule its client broke', () => {
    socket.refuse(1_013, 'retry in 5')
    socket.refuse(1_012, '')
    expect(wire.calls).toEqual(['close 1013 retry in 5'])
    socket.socket_failed(new NetError('invalid_utf8', 'not UTF-8'), 1_007)
    expect([errors, wire.calls.length]).toEqual([['not UTF-8'], 1])
  })
})
