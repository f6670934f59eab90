import { describe, expect, it } from 'vitest'
import type { CloseInfo } from '../../src/connection/close_info.js'
import type { ConnectionRetry } from '../../src/connection/connection.js'
import { ServerConnection } from '../../src/connection/server_connection.js'
import { NetError } from '../../src/errors/errors.js'
import type { FakeSocket } from '../../src/testing/index.js'
import { CHECKS_PER_SPAN } from '../../src/time/periodic_check.js'
import { seeded_random, test_seed } from '../seeded_random.js'
import { settings } from './connection_events.js'
import { QUEUES } from './platforms.js'

const MAX_QUEUE = 2_000
const RUNS = 300
const STEPS = 60
/** The largest number of consecutive sockets. */
const MAX_SOCKETS = 5

/** A socket, and its state as far as the test has changed it. */
interface TestSocket {
  readonly socket: FakeSocket
  is_open: boolean
  /** The peer's Close has arrived, and no message follows it. */
  has_peer_closed: boolean
  is_gone: boolean
}

/** The record of a run, which is checked at its end. */
interface RunRecord {
  readonly accepted: string[]
  /** Accepted before `on_open` was done. */
  readonly first_words: string[]
  /** The expected deliveries: each opening, and each message. */
  readonly received: string[]
  readonly delivered: string[]
  readonly infos: CloseInfo[]
  /** What `retry` was asked about when it allowed another socket. */
  readonly allowed: CloseInfo[]
  readonly losses: CloseInfo[]
  readonly sockets: TestSocket[]
  delivered_at_close: number
  was_closed_here: boolean
  has_failed: boolean
}

interface RunOptions {
  readonly is_retried: boolean
  /** An index into {@link QUEUES}. */
  readonly queue: 0 | 1
}

/** Performs random actions on one connection, and ends it in a random way. */
async function run_at_random(random: () => number, { is_retried, queue }: RunOptions): Promise<RunRecord> {
  const { Platform, Socket } = QUEUES[queue][1]
  const platform = new Platform()
  const record: RunRecord = {
    accepted: [],
    first_words: [],
    received: [],
    delivered: [],
    infos: [],
    allowed: [],
    losses: [],
    sockets: [],
    delivered_at_close: -1,
    was_closed_here: false,
    has_failed: false,
  }
  let release = (): void => {}
  let is_over = false
  /** Whether what is sent goes ahead of what waits. */
  let are_first_words = false
  /** How many openings `on_open` is not done with. */
  let openings = 0
  let was_shut_down = false
  const hold = (): unknown => (random() < 0.2 ? new Promise<void>(resolve => (release = resolve)) : undefined)
  const retry: ConnectionRetry<null> = {
    allows: info => {
      const is_allowed = !is_over && record.sockets.length < MAX_SOCKETS
      if (is_allowed) record.allowed.push(info)
      return is_allowed
    },
    lost: (_handle, info) => record.losses.push(info),
  }
  const connection = new ServerConnection<null>(
    { ...settings, max_queue: MAX_QUEUE },
    {
      retry: is_retried ? retry : undefined,
      on_open: () => {
        record.delivered.push('open')
        // That of an earlier socket does not count while that of the present one waits.
        are_first_words = openings === 1
        const done = (): void => {
          openings -= 1
          are_first_words = false
        }
        const held = hold()
        if (held instanceof Promise) held.then(done)
        else done()
        return held
      },
      on_message: (_handle, data) => {
        record.delivered.push(String(data))
        return hold()
      },
      on_close: (_handle, info) => {
        record.infos.push(info)
        record.delivered_at_close = record.delivered.length
      },
      report: () => {},
      opened: () => {},
      ended: () => {},
    },
    platform,
    () => null,
  )
  let current!: TestSocket
  const attach = (): void => {
    current = { socket: new Socket(), is_open: false, has_peer_closed: false, is_gone: false }
    record.sockets.push(current)
    current.socket.connect_to(connection)
    connection.attach(current.socket)
  }
  attach()

  const actions: (() => void)[] = [
    () => {
      const message = `${record.accepted.length + record.first_words.length}:`.padEnd(
        Math.floor(random() * 700),
        '.',
      )
      const was_queued = connection.queued
      const result = connection.send(message)
      if (result === true) (are_first_words ? record.first_words : record.accepted).push(message)
      else expect(connection.queued).toBeLessThanOrEqual(was_queued)
      // First words have room of their own.
      expect(connection.queued).toBeLessThanOrEqual(2 * MAX_QUEUE)
    },
    () => platform.end_turn(),
    () => platform.end_callback(),
    () => {
      current.socket.takes_writes = random() < 0.5
    },
    () => {
      if (current.is_open && !current.is_gone && current.socket.buffered_bytes > 0) current.socket.drain()
    },
    () => {
      if (!current.is_open || current.has_peer_closed || current.is_gone) return
      const message = `in ${record.received.length}`
      if (connection.state === 'open' || was_shut_down) record.received.push(message)
      current.socket.receive(message)
    },
    () => release(),
    () => platform.clock.advance(random() * 1_000),
    () => {
      for (let checks = 0; checks < CHECKS_PER_SPAN / 2; checks += 1) connection.check()
    },
    () => {
      if (current.is_gone && connection.reopen()) attach()
    },
  ]
  const open = (): void => {
    if (current.is_open || current.is_gone || current.socket.call_names.includes('terminate')) return
    current.is_open = true
    if (connection.state !== 'closing') {
      record.received.push('open')
      openings += 1
    }
    current.socket.open()
  }
  const end = (): void => {
    if (current.is_gone) return
    current.is_gone = true
    are_first_words = false
    current.socket.end(current.is_open && random() < 0.5 ? 1000 : 1006)
  }
  const close = (): void => {
    record.was_closed_here = true
    connection.close()
  }
  const rare_actions: (() => void)[] = [
    open,
    // A connection that reconnects often goes through more states.
    ...(is_retried ? [open, open, end] : [close]),
    () => {
      if (random() < 0.2) close()
    },
    () => {
      if (is_retried || random() < 0.5) return
      record.was_closed_here = was_shut_down = true
      connection.shut_down(1001, '', random() < 0.5 ? 0 : 1_000, random() < 0.5 ? 'delivered' : 'dropped')
    },
    () => {
      if (current.is_gone || !current.is_open || random() < 0.5) return
      record.has_failed = true
      current.socket.fail(new NetError('protocol_error', 'made up'), 1002)
    },
    () => {
      if (!current.is_open || current.is_gone) return
      current.has_peer_closed = true
      current.socket.receive_close()
    },
    end,
  ]
  const steps = is_retried ? STEPS * 3 : STEPS
  for (let step = 0; step < steps; step += 1) {
    const choices = random() < 0.15 ? rare_actions : actions
    choices[Math.floor(random() * choices.length)]?.()
    await Promise.resolve()
  }
  is_over = true
  if (connection.state !== 'closed' && current.is_gone) close()
  end()
  platform.end_turn()
  for (let turn = 0; record.infos.length === 0; turn += 1) {
    expect(turn).toBeLessThan(10_000)
    release()
    await Promise.resolve()
  }
  await connection.closed
  platform.end_turn()
  expect(platform.clock.timers).toBe(0)
  expect(connection.queued).toBe(0)
  return record
}

describe.each([
  ['one socket, with a queue of messages,', { is_retried: false, queue: 0 }],
  ['one socket, with a queue of frames,', { is_retried: false, queue: 1 }],
  ['several sockets, one after another, with a queue of messages,', { is_retried: true, queue: 0 }],
  ['several sockets, one after another, with a queue of frames,', { is_retried: true, queue: 1 }],
] as const)(`a connection over %s after random actions (seed ${test_seed})`, (_, options) => {
  it('sends each accepted message in order and once, or counts it as unsent', async () => {
    const random = seeded_random(test_seed)
    for (let run = 0; run < RUNS; run += 1) {
      const { sockets, accepted, first_words, infos, allowed, losses, has_failed } = await run_at_random(
        random,
        options,
      )
      expect(allowed).toEqual(losses)
      const [info] = infos as [CloseInfo]
      const all_sent = sockets.flatMap(({ socket }) => socket.sent)
      // First words that were not written with their connection are lost with it.
      const first_sent = all_sent.filter(message => first_words.includes(String(message)))
      expect(first_words.filter(message => first_sent.includes(message))).toEqual(first_sent)
      const sent = all_sent.filter(message => !first_sent.includes(message))
      // Only a failure drops other messages.
      if (has_failed) expect(accepted.filter(message => sent.includes(message))).toEqual(sent)
      else expect(sent).toEqual(accepted.slice(0, sent.length))
      // The messages of a pending batch are written, but count as unsent.
      const taken = sockets.reduce((sum, { socket }) => sum + socket.sent.length - socket.unsent, 0)
      expect(taken + info.unsent).toBe(accepted.length + first_words.length)
      expect(losses.reduce((sum, { unsent }) => sum + unsent, 0)).toBeLessThanOrEqual(info.unsent)
      for (const { socket } of sockets) {
        const end = socket.call_names.findIndex(call => call === 'close' || call === 'terminate')
        if (end !== -1) expect(socket.call_names.slice(end)).not.toContain('write')
      }
    }
  })

  it('calls on_open each time, delivers messages in order, and calls on_close last and once', async () => {
    const random = seeded_random(test_seed + 1)
    for (let run = 0; run < RUNS; run += 1) {
      const record = await run_at_random(random, options)
      expect(record.infos).toHaveLength(1)
      expect(record.delivered_at_close).toBe(record.delivered.length)
      if (!record.was_closed_here) expect(record.delivered).toEqual(record.received)
      // Closing drops waiting messages, but not the callback on_open.
      const [delivered, received] = [record.delivered, record.received].map(all =>
        all.filter(one => one !== 'open'),
      )
      expect(delivered).toEqual(received?.slice(0, delivered?.length))
    }
  })
})

it('the model over several sockets goes through many losses', async () => {
  const random = seeded_random(test_seed)
  let sockets = 0
  for (let run = 0; run < RUNS; run += 1)
    sockets += (await run_at_random(random, { is_retried: true, queue: 1 })).sockets.length
  expect(sockets).toBeGreaterThan(RUNS * 2)
})
