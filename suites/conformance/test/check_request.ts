import { OPCODE } from '@bt/test-support/frames'
import { accept_of } from '@bt/test-support/handshake'
import { expect } from 'vitest'
import { close, encode } from './frame.ts'
import { KEY } from './handshake.ts'
import type { RawPeer, Segmentation } from './raw_peer.ts'
import type { ExpectedResponse, RequestCase } from './request_case.ts'
import type { ServerConnection, ServerSide } from './server_side.ts'

/** Sends the request of a case, and checks the response of the server and what its callbacks receive. */
export async function check_request(
  side: ServerSide,
  test_case: RequestCase,
  segmentation: Segmentation,
): Promise<void> {
  const server = await side.server(test_case.options ?? {})
  const peer = await side.peer(test_case.options ?? {})
  let socket: Parameters<Parameters<ServerSide['expect_client']>[0] & {}>[0] | undefined
  const { name, connection } = side.expect_client(opened => {
    socket = opened
  })
  const refused_before = { ...server.stats().refused }
  const { response } = test_case
  const followed_by =
    response.kind === 'opens' ? encode(response.followed_by ?? [], 'client') : Buffer.alloc(0)
  const request = Buffer.from(test_case.request(`/ws?name=${name}`), 'latin1')
  await peer.send(Buffer.concat([request, followed_by]), segmentation)

  const head = read_head(await peer.head())
  if (response.kind === 'opens') {
    check_opening(head, response, test_case)
    await check_connection(peer, connection, response)
    expect(socket?.request.protocol).toBe(response.protocol ?? '')
    expect(socket?.request.headers).toMatchObject(response.headers ?? {})
    expect(server.stats().refused).toEqual(refused_before)
    return
  }
  expect(head.status).toBe(response.status)
  expect(head.headers).toMatchObject({ ...response.headers, connection: expect.stringMatching(/\bclose\b/) })
  expect(await peer.ended).toBe(true)
  expect(peer.received().rest.length + peer.received().frames.length).toBeGreaterThan(0)
  expect(socket).toBeUndefined()
  const { reason } = response
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

/** Checks a response that opens the connection (RFC 6455 §4.2.2). */
function check_opening(
  { status, headers }: Head,
  response: ExpectedResponse & { kind: 'opens' },
  test_case: RequestCase,
): void {
  expect(status).toBe(101)
  const [, key = KEY] = /^sec-websocket-key:\s*(.*?)\s*$/im.exec(test_case.request('')) ?? []
  expect(headers).toMatchObject({
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-accept': accept_of(key),
  })
  expect(headers['sec-websocket-protocol']).toBe(response.protocol)
  expect(parameters_of(headers['sec-websocket-extensions'])).toEqual(parameters_of(response.extensions))
}

function parameters_of(extension: string | undefined): string[] | undefined {
  return extension?.split(/\s*;\s*/).sort()
}

async function check_connection(
  peer: RawPeer,
  { events, closed }: ServerConnection,
  { followed_by = [], messages = [], errors = [] }: ExpectedResponse & { kind: 'opens' },
): Promise<void> {
  const is_closed_by_peer = followed_by.some(sent => 'opcode' in sent && sent.opcode === OPCODE.CLOSE)
  if (!is_closed_by_peer && errors.length === 0) await peer.send(encode([close(1000)], 'client'), 'whole')
  await Promise.all([peer.ended, closed])
  expect(events.messages).toEqual(messages)
  expect(events.errors.map(({ code }) => code)).toEqual(errors)
  expect(events.infos).toHaveLength(1)
  const pings = followed_by.filter(sent => 'opcode' in sent && sent.opcode === OPCODE.PING).length
  const pongs = peer.received().frames.filter(({ opcode }) => opcode === OPCODE.PONG).length
  expect(pongs).toBe(pings)
}
