import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Connection, type ConnectionSettings } from '../../src/connection/connection.js'
import type { ChannelEvents } from '../../src/connection/events.js'
import { INBOX_MAX_BYTES } from '../../src/connection/inbox.js'
import { type ProbeOptions, probe } from '../../src/connection/probe.js'
import { FakePlatform, FakeSocket } from '../../src/testing/index.js'
import { CHECKS_PER_SPAN } from '../../src/time/periodic_check.js'
import { RecordedEvents, settings } from './connection_events.js'

const PING_PONG: ProbeOptions = { send: 'ping', expect: 'pong' }
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

let platform: FakePlatform
let events: RecordedEvents
let socket: FakeSocket
let connection: Connection<string>

function start_open(options: ProbeOptions, changed: Partial<ConnectionSettings> = {}): void {
  platform = new FakePlatform()
  events = new RecordedEvents()
  socket = new FakeSocket()
  connection = new Connection(
    { ...settings, ...changed, probe: probe(options) },
    events,
    platform,
    () => 'handle',
  )
  socket.connect_to(connection)
  connection.attach(socket)
  socket.open()
  events.log.length = 0
}

/** Makes that many checks, each in a turn of its own. */
function check(times: number): void {
  for (let i = 0; i < times; i += 1) {
    connection.check()
    platform.end_turn()
  }
}

describe('a connection with a probe that asks', () => {
  beforeEach(() => start_open(PING_PONG))

  it('sends its question instead of a ping after ten silent checks', () => {
    check(CHECKS_PER_SPAN - 1)
    expect(socket.calls).toEqual([])
    check(1)
    expect(socket.calls).toEqual([{ call: 'write', messages: ['ping'] }])
  })

  it('ends with the cause heartbeat after twenty silent checks', () => {
    check(2 * CHECKS_PER_SPAN)
    socket.end(1006)
    expect(socket.call_names).toEqual(['write', 'terminate'])
    expect(events.infos).toMatchObject([{ cause: 'heartbeat', unsent: 0 }])
  })

  it('does not ask on a socket that is closing, so that the next one would get the question', () => {
    connection.replace()
    connection.check_now()
    platform.end_turn()
    expect(connection.queued).toBe(0)
    expect(socket.call_names).toEqual(['close'])
  })

  it('stays open while it is answered, and hides the answers', () => {
    for (let i = 0; i < 5; i += 1) {
      check(2 * CHECKS_PER_SPAN - 1)
      socket.receive('pong')
      check(1)
    }
    expect(socket.sent).toEqual(Array(5).fill('ping'))
    expect(connection.state).toBe('open')
    expect(events.log).toEqual([])
  })

  it('delivers all other messages, and asks no peer that sends them', () => {
    for (let i = 0; i < 3 * CHECKS_PER_SPAN; i += 1) {
      socket.receive('news')
      check(1)
    }
    expect(socket.calls).toEqual([])
    expect(events.log).toEqual(Array(3 * CHECKS_PER_SPAN).fill('on_message news'))
  })

  it('asks at once when it is checked at once, and leaves the peer four checks', () => {
    connection.check_now()
    platform.end_turn()
    expect(socket.sent).toEqual(['ping'])
    check(3)
    expect(socket.call_names).toEqual(['write'])
    check(1)
    expect(socket.call_names).toEqual(['write', 'terminate'])
  })

  it('does not ask while the queue is full, reports no queue_full for that, and counts the silence', () => {
    start_open(PING_PONG, { max_queue: 20 })
    socket.takes_writes = false
    connection.send('x'.repeat(14))
    platform.end_turn()
    check(2 * CHECKS_PER_SPAN)
    socket.end(1006)
    expect(socket.sent).toEqual(['x'.repeat(14)])
    expect(events.errors).toEqual([])
    expect(events.infos).toMatchObject([{ cause: 'heartbeat', unsent: 1 }])
  })

  it('reports queue_full to the first send that finds the queue full, although a question found it full before', () => {
    start_open(PING_PONG, { max_queue: 20 })
    socket.takes_writes = false
    connection.send('x'.repeat(14))
    check(CHECKS_PER_SPAN)
    expect(connection.send('more')).toMatchObject({ code: 'queue_full' })
    expect(events.errors).toMatchObject([{ code: 'queue_full' }])
  })

  it('publishes neither questions nor answers on the channel of messages', () => {
    const publish = vi.fn<(details: ChannelEvents['message']) => void>()
    const none = { hasSubscribers: false, publish: () => {} }
    const message = { hasSubscribers: true, publish }
    Object.assign(platform, {
      channels: { message, open: none, close: none, queue_full: none, refused: none, error: none },
    })
    check(CHECKS_PER_SPAN)
    socket.receive('pong')
    socket.receive('news')
    expect(publish.mock.calls.map(([{ data }]) => data)).toEqual(['news'])
  })
})

describe('questions and answers', () => {
  it('are functions, if they change', () => {
    let count = 0
    const expect_answer = (data: unknown): boolean => data === `pong ${count}`
    start_open({ send: () => `ping ${++count}`, expect: expect_answer })
    check(CHECKS_PER_SPAN)
    expect(socket.sent).toEqual(['ping 1'])
    socket.receive('pong 0')
    socket.receive('pong 1')
    check(CHECKS_PER_SPAN + 1)
    expect(socket.sent).toEqual(['ping 1', 'ping 2'])
    expect(events.log).toEqual(['on_message pong 0'])
  })

  it('are bytes, which are copied, and which no text equals', () => {
    const [question, answer] = [bytes(1, 2), bytes(65, 66)]
    start_open({ send: question, expect: new DataView(answer.buffer) }, { binary: true })
    question[0] = answer[0] = 9
    check(CHECKS_PER_SPAN)
    expect(socket.sent).toEqual([bytes(1, 2)])
    for (const data of [bytes(65, 66), bytes(65), bytes(65, 66, 67), bytes(9, 66), 'AB']) socket.receive(data)
    expect(events.log).toEqual(['on_message 65', 'on_message 65,66,67', 'on_message 9,66', 'on_message AB'])
  })

  it('close with 1003 if they are bytes without binary: true', () => {
    start_open({ send: bytes(1), expect: bytes(2) })
    socket.receive(bytes(2))
    expect(events.errors).toMatchObject([{ code: 'unexpected_binary' }])
    expect(socket.calls).toMatchObject([{ call: 'close', code: 1003 }])
  })

  it('are only what a function returns true for, so that no promise hides messages', () => {
    start_open({ send: 'ping', expect: (async () => false) as never })
    socket.receive('news')
    expect(events.log).toEqual(['on_message news'])
  })

  it.each<[string, ProbeOptions, string[]]>([
    ['expect', { send: 'ping', expect: () => fail() }, ['on_message ping']],
    ['receive', { receive: () => fail(), reply: 'pong' }, ['on_message ping']],
    ['reply', { receive: 'ping', reply: () => fail() }, []],
  ])('of a function %s that throws are reported as handler_failed', (name, options, log) => {
    start_open(options)
    socket.receive('ping')
    platform.end_turn()
    expect(events.errors).toMatchObject([{ code: 'handler_failed', message: `${name} failed: broken` }])
    expect(events.log).toEqual(log)
    expect(socket.calls).toEqual([])
    expect(connection.state).toBe('open')
  })

  it.each<[string, () => string, string]>([
    ['throws', () => fail(), 'send failed: broken'],
    ['returns no message', () => 5 as never, 'send failed: send got 5: '],
  ])('of a function send that %s are reported, and the silence counts', (_, send, message) => {
    start_open({ send, expect: 'pong' })
    check(CHECKS_PER_SPAN)
    expect(events.errors).toMatchObject([
      { code: 'handler_failed', message: expect.stringContaining(message) },
    ])
    check(CHECKS_PER_SPAN)
    expect(socket.call_names).toEqual(['terminate'])
  })

  it('may come with a close by the function that looks for them: then nothing is delivered', () => {
    start_open({ send: 'ping', expect: () => !connection.close() })
    socket.receive('news')
    expect(events.log).toEqual([])
    expect(socket.call_names).toEqual(['close'])
  })
})

describe('a connection with a probe that answers', () => {
  const options: ProbeOptions = { receive: 'ping', reply: 'pong' }
  beforeEach(() => start_open(options))

  it('answers each question, and hides it', () => {
    socket.receive('ping')
    socket.receive('ping')
    socket.receive('news')
    platform.end_turn()
    expect(socket.sent).toEqual(['pong', 'pong'])
    expect(events.log).toEqual(['on_message news'])
  })

  it('answers while a callback is pending, and while messages wait', () => {
    events.message_result = () => new Promise(() => {})
    socket.receive('held')
    socket.receive('waits')
    socket.receive('ping')
    platform.end_turn()
    expect(socket.sent).toEqual(['pong'])
    expect(events.log).toEqual(['on_message held'])
  })

  it('composes the answer from the question', () => {
    start_open({ receive: data => String(data).startsWith('ping'), reply: data => `re: ${String(data)}` })
    socket.receive('ping 7')
    platform.end_turn()
    expect(socket.sent).toEqual(['re: ping 7'])
  })

  it('does not answer while the queue is full, and reports nothing', () => {
    start_open(options, { max_queue: 20 })
    socket.takes_writes = false
    connection.send('x'.repeat(14))
    platform.end_turn()
    socket.receive('ping')
    platform.end_turn()
    expect(socket.sent).toEqual(['x'.repeat(14)])
    expect(events.errors).toEqual([])
    expect(events.log).toEqual([])
  })

  it('neither answers nor delivers what arrives after its own Close', () => {
    connection.close()
    socket.receive('ping')
    platform.end_turn()
    expect(socket.call_names).toEqual(['close'])
    expect(events.log).toEqual([])
  })

  it('pings a silent peer, since it has no question of its own', () => {
    check(CHECKS_PER_SPAN)
    expect(socket.calls).toEqual([{ call: 'ping' }])
  })

  it('asks as well, if it has both', () => {
    start_open({ ...options, send: 'are you there?', expect: 'yes' })
    check(CHECKS_PER_SPAN)
    socket.receive('yes')
    socket.receive('ping')
    platform.end_turn()
    expect(socket.sent).toEqual(['are you there?', 'pong'])
    expect(events.log).toEqual([])
  })
})

it('a probe takes its own messages while more of the others wait than there may be', () => {
  start_open({ receive: 'ping', reply: 'pong' })
  events.message_result = () => new Promise(() => {})
  socket.receive('held')
  socket.receive('x'.repeat(INBOX_MAX_BYTES))
  socket.receive('ping')
  platform.end_turn()
  expect(socket.sent).toEqual(['pong'])
  expect(events.errors).toEqual([])
})

describe('probe', () => {
  const incomplete = /^probe is incomplete: give send and expect, receive and reply, or all four$/
  it.each<[string, unknown, RegExp]>([
    ['nothing', {}, incomplete],
    ['no answer', { send: 'ping' }, incomplete],
    ['no question', { expect: 'pong' }, incomplete],
    ['no reply', { ...PING_PONG, receive: 'ping' }, incomplete],
    ['nothing to reply to', { ...PING_PONG, reply: 'pong' }, incomplete],
    [
      'a number',
      { send: 5, expect: 'pong' },
      /^probe: the option send is 5; expected text or bytes, or a func/,
    ],
    [
      'an object',
      { ...PING_PONG, expect: {} },
      /^probe: the option expect is .*; expected text or bytes, or a func/,
    ],
    [
      'an unknown name',
      { ...PING_PONG, answer: 'pong' },
      /^probe: there is no option "?answer"?; known are send, expect, receive, reply$/,
    ],
    ['no object', undefined, /^probe got undefined for its options: give an object$/],
  ])('throws invalid_option for %s', (_, options, message) => {
    const make = (): unknown => probe(options as ProbeOptions)
    expect(make).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
    )
  })
})

function fail(): never {
  throw new Error('broken')
}
