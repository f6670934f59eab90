import { OPCODE } from '@bt/test-support/frames'
import { accept_of } from '@bt/test-support/handshake'
import { expect } from 'vitest'
import { close, encode } from './frame.ts'
import { KEY } from './handshake.ts'
import type { RawPeer, Segmentation } from './raw_peer.ts'
import type { Answer, RequestCase } from './request_case.ts'
import type { ServerConnection, ServerSide } from './server_side.ts'

/** Sends the request of a case, and checks everything that the case says of the answer, and of what the user is told. */
export async function check_request(
  side: ServerSide,
  each: RequestCase,
  segmentation: Segmentation,
): Promise<void> {
  const server = await side.server(each.options ?? {})
  const peer = await side.peer(each.options ?? {})
  let socket: Parameters<Parameters<ServerSide['expect_client']>[0] & {}>[0] | undefined
  const { name, connection } = side.expect_client(opened => {
    socket = opened
  })
  const refused_before = { ...server.stats().refused }
  const { answer } = each
  const behind = answer.kind === 'opens' ? encode(answer.behind ?? [], 'client') : Buffer.alloc(0)
  const request = Buffer.from(each.request(`/ws?name=${name}`), 'latin1')
  await peer.send(Buffer.concat([request, behind]), segmentation)

  const head = read_head(await peer.head())
  if (answer.kind === 'opens') {
    check_opening(head, answer, each)
    await check_connection(peer, connection, answer)
    expect(socket?.request.protocol).toBe(answer.protocol ?? '')
    expect(socket?.request.headers).toMatchObject(answer.headers ?? {})
    expect(server.stats().refused).toEqual(refused_before)
    return
  }
  expect(head.status).toBe(answer.status)
  expect(head.headers).toMatchObject({ ...answer.headers, connection: expect.stringMatching(/\bclose\b/) })
  expect(await peer.ended).toBe(true)
  expect(peer.received().rest.length + peer.received().frames.length).toBeGreaterThan(0)
  expect(socket).toBeUndefined()
  const { reason } = answer
  expect(server.stats().refused).toEqual({ ...refused_before, [reason]: refused_before[reason] + 1 })
}

interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

function read_head(text: string): Head {
  const [start = '', ...lines] = text.trimEnd().split('\r\n')
  const headers = lines.map(line => {
    const [name = '', ...value] = line.split(':')
    return [name.toLowerCase(), value.join(':').trim()]
  })
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(start)?.[1]), headers: Object.fromEntries(headers) }
}

/** RFC 6455 §4.2.2. */
function check_opening(
  { status, headers }: Head,
  answer: Answer & { kind: 'opens' },
  each: RequestCase,
): void {
  expect(status).toBe(101)
  const [, key = KEY] = /^sec-websocket-key:\s*(.*?)\s*$/im.exec(each.request('')) ?? []
  expect(headers).toMatchObject({
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-accept': accept_of(key),
  })
  expect(headers['sec-websocket-protocol']).toBe(answer.protocol)
  expect(parameters_of(headers['sec-websocket-extensions'])).toEqual(parameters_of(answer.extensions))
}

function parameters_of(extension: string | undefined): string[] | undefined {
  return extension?.split(/\s*;\s*/).sort()
}

async function check_connection(
  peer: RawPeer,
  { told, closed }: ServerConnection,
  { behind = [], messages = [], errors = [] }: Answer & { kind: 'opens' },
): Promise<void> {
  const is_closed_by_peer = behind.some(sent => 'opcode' in sent && sent.opcode === OPCODE.CLOSE)
  if (!is_closed_by_peer && errors.length === 0) await peer.send(encode([close(1000)], 'client'), 'whole')
  await Promise.all([peer.ended, closed])
  expect(told.messages).toEqual(messages)
  expect(told.errors.map(({ code }) => code)).toEqual(errors)
  expect(told.infos).toHaveLength(1)
  const pings = behind.filter(sent => 'opcode' in sent && sent.opcode === OPCODE.PING).length
  const pongs = peer.received().frames.filter(({ opcode }) => opcode === OPCODE.PONG).length
  expect(pongs).toBe(pings)
}
