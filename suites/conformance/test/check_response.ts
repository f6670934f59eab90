import { NetError } from '@bt/net'
import { OPCODE } from '@bt/test-support/frames'
import { expect } from 'vitest'
import type { ClientSide, ConnectedClient } from './client_side.ts'
import { close, encode } from './frame.ts'
import type { Segmentation } from './raw_peer.ts'
import type { Outcome, ResponseCase } from './response_case.ts'

/** Sends the response of a case to a client, and checks what the client and its callbacks do. */
export async function check_response(
  side: ClientSide,
  test_case: ResponseCase,
  segmentation: Segmentation,
): Promise<void> {
  const client = await side.connect(test_case.options ?? {})
  check_request(client.request, test_case)
  const opened = client.ws.opened.then(
    () => true,
    (error: unknown) => error,
  )
  const { followed_by = [], outcome } = test_case
  const head = Buffer.from(test_case.response(client.accept), 'latin1')
  await client.peer.send(Buffer.concat([head, encode(followed_by, 'server')]), segmentation)
  if (test_case.ends_tcp) client.peer.end()
  const result = await opened

  if (outcome.kind === 'opens') {
    expect(result).toBe(true)
    expect(client.ws.protocol).toBe(outcome.protocol ?? '')
    await check_connection(client, test_case, outcome)
    return
  }
  const info = await client.ws.closed
  const [error, ...more] = client.events.errors
  expect(more).toEqual([])
  expect(error).toBeInstanceOf(NetError)
  expect(result).toBe(error)
  expect(error?.code).toBe(outcome.error)
  expect(error?.message).toContain(client.ws.addr)
  expect(error?.message).toContain(outcome.message ?? '')
  expect(info).toEqual({ code: 1006, reason: '', cause: 'refused', clean: false, unsent: 0 })
  expect(client.events.infos).toEqual([info])
  expect(client.events.messages).toEqual([])
  // The client has sent nothing after its request, and has ended TCP.
  await client.peer.ended
  expect(client.peer.received()).toEqual({ frames: [], rest: Buffer.alloc(0) })
}

/** Checks what a request must contain (RFC 6455 §4.1). */
function check_request(request: string, { options = {} }: ResponseCase): void {
  const lines = request.split('\r\n')
  expect(lines[0]).toBe('GET /ws HTTP/1.1')
  expect(lines).toContain('Upgrade: websocket')
  expect(lines).toContain('Connection: Upgrade')
  expect(lines).toContain('Sec-WebSocket-Version: 13')
  expect(lines.filter(line => /^host: 127\.0\.0\.1:\d+$/i.test(line))).toHaveLength(1)
  expect(lines.filter(line => /^sec-websocket-key: [+/0-9A-Za-z]{21}[AQgw]==$/i.test(line))).toHaveLength(1)
  const offered = lines.filter(line => /^sec-websocket-extensions: permessage-deflate\b/i.test(line))
  expect(offered).toHaveLength(options.compression ? 1 : 0)
  const protocols = lines.find(line => /^sec-websocket-protocol:/i.test(line))
  expect(protocols?.split(/[:,]\s*/).slice(1)).toEqual(options.protocols)
}

async function check_connection(
  { ws, events, peer }: ConnectedClient,
  { followed_by = [] }: ResponseCase,
  { messages = [], errors = [] }: Outcome & { kind: 'opens' },
): Promise<void> {
  const sent = followed_by.map(item => ('opcode' in item ? item.opcode : undefined))
  if (!sent.includes(OPCODE.CLOSE) && errors.length === 0) {
    await peer.frames_received(sent.filter(opcode => opcode === OPCODE.PING).length)
    await peer.send(encode([close(1000)], 'server'), 'whole')
  }
  await Promise.all([peer.ended, ws.closed])
  expect(events.messages).toEqual(messages)
  expect(events.errors.map(({ code }) => code)).toEqual(errors)
  expect(events.infos).toHaveLength(1)
  const pongs = peer.received().frames.filter(({ opcode }) => opcode === OPCODE.PONG)
  expect(pongs).toHaveLength(sent.filter(opcode => opcode === OPCODE.PING).length)
}
