import type { NetError } from '@bt/ws-protocol'
import { type Control, read_control, write_control } from '@bt/ws-protocol/internal'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { connect } from '../../src/browser/connect.js'
import type { ReconnectInfo } from '../../src/index.js'
import { session } from '../../src/session.browser.js'

const HEARTBEAT_MS = 1_000
/** The server is silent from the first check on, a tenth of the span after the welcome. */
const CHECK_MS = 100
const WELCOME: Control = {
  type: 'welcome',
  recovered: false,
  token: Uint8Array.of(7),
  received: 0,
  handled: 0,
  window: 1_000,
  hold_ms: 1_000,
  protocol: '',
}

/** The WebSocket of a page, whose server the test plays. */
class PlayedWebSocket {
  static readonly made: PlayedWebSocket[] = []
  readyState = 0
  binaryType = ''
  readonly protocol = 'bt.session.1'
  readonly bufferedAmount = 0
  readonly sent: (Control | undefined)[] = []
  onopen: (() => void) | null = null
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null
  onclose: (() => void) | null = null
  onerror: (() => void) | null = null

  constructor() {
    PlayedWebSocket.made.push(this)
  }

  send(data: Uint8Array): void {
    this.sent.push(read_control(data))
  }

  close(): void {
    this.readyState = 3
  }

  open(): void {
    this.readyState = 1
    this.onopen?.()
  }

  say(message: Control): void {
    this.onmessage?.({ data: new Uint8Array(write_control(message)).buffer })
  }

  pings(): number {
    return this.sent.filter(message => message?.type === 'ping').length
  }
}

let errors: NetError[]
let waits: ReconnectInfo[]

function open_client(): PlayedWebSocket {
  errors = []
  waits = []
  connect({
    type: 'ws',
    url: 'ws://host/',
    heartbeat: HEARTBEAT_MS,
    reconnect: true,
    session: session(),
    on_error: err => void errors.push(err),
    on_reconnecting: info => void waits.push(info),
  })
  const [socket] = PlayedWebSocket.made
  if (socket === undefined) throw new Error('there is no socket')
  socket.open()
  socket.say(WELCOME)
  return socket
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', PlayedWebSocket)
  PlayedWebSocket.made.length = 0
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

it('a page notices a silent server, though it only receives', async () => {
  const socket = open_client()
  await vi.advanceTimersByTimeAsync(CHECK_MS + HEARTBEAT_MS)
  expect([socket.pings(), errors]).toEqual([1, []])
  await vi.advanceTimersByTimeAsync(HEARTBEAT_MS)
  expect(errors).toEqual([expect.objectContaining({ code: 'connection_lost' })])
  expect(waits).toMatchObject([{ info: { cause: 'heartbeat' } }])
})

it('a page goes on as long as the server answers its pings', async () => {
  const socket = open_client()
  for (let pings = 1; pings <= 4; pings += 1) {
    await vi.advanceTimersByTimeAsync(CHECK_MS + HEARTBEAT_MS)
    expect(socket.pings()).toBe(pings)
    socket.say({ type: 'pong' })
  }
  expect([errors, waits]).toEqual([[], []])
})
