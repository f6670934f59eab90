import { NetError } from '@bt/net'
import { OPCODE } from '@bt/test-support/frames'
import { expect } from 'vitest'
import type { AnswerCase, Outcome } from './answer_case.ts'
import type { ClientSide, Pair } from './client_side.ts'
import { close, encode } from './frame.ts'
import type { Segmentation } from './raw_peer.ts'

/** Answers a client of ours as a case says, and checks what becomes of it, and what its user is told. */
export async function check_answer(
  side: ClientSide,
  each: AnswerCase,
  segmentation: Segmentation,
): Promise<void> {
  const pair = await side.connect(each.options ?? {})
  check_request(pair.request, each)
  const opened = pair.ws.opened.then(
    () => true,
    (error: unknown) => error,
  )
  const { behind = [], outcome } = each
  const head = Buffer.from(each.answer(pair.accept), 'latin1')
  await pair.peer.send(Buffer.concat([head, encode(behind, 'server')]), segmentation)
  if (each.ends_tcp) pair.peer.end()
  const how = await opened

  if (outcome.kind === 'opens') {
    expect(how).toBe(true)
    expect(pair.ws.protocol).toBe(outcome.protocol ?? '')
    await check_connection(pair, each, outcome)
    return
  }
  const info = await pair.ws.closed
  const [error, ...more] = pair.told.errors
  expect(more).toEqual([])
  expect(error).toBeInstanceOf(NetError)
  expect(how).toBe(error)
  expect(error?.code).toBe(outcome.error)
  expect(error?.message).toContain(pair.ws.addr)
  expect(error?.message).toContain(outcome.says ?? '')
  expect(info).toEqual({ code: 1006, reason: '', cause: 'refused', clean: false, unsent: 0 })
  expect(pair.told.infos).toEqual([info])
  expect(pair.told.messages).toEqual([])
  // Nothing was sent behind the request, and the client is gone.
  await pair.peer.ended
  expect(pair.peer.received()).toEqual({ frames: [], rest: Buffer.alloc(0) })
}

/** RFC 6455 §4.1: what a client has to ask for. */
function check_request(request: string, { options = {} }: AnswerCase): void {
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
  { ws, told, peer }: Pair,
  { behind = [] }: AnswerCase,
  { messages = [], errors = [] }: Outcome & { kind: 'opens' },
): Promise<void> {
  const sent = behind.map(item => ('opcode' in item ? item.opcode : undefined))
  if (!sent.includes(OPCODE.CLOSE) && errors.length === 0) {
    await peer.frames_seen(sent.filter(opcode => opcode === OPCODE.PING).length)
    await peer.send(encode([close(1000)], 'server'), 'whole')
  }
  await Promise.all([peer.ended, ws.closed])
  expect(told.messages).toEqual(messages)
  expect(told.errors.map(({ code }) => code)).toEqual(errors)
  expect(told.infos).toHaveLength(1)
  const pongs = peer.received().frames.filter(({ opcode }) => opcode === OPCODE.PONG)
  expect(pongs).toHaveLength(sent.filter(opcode => opcode === OPCODE.PING).length)
}
