import { describe, expect, it } from 'vitest'
import type { CloseInfo } from '../../src/connection/close_info.js'
import { Connection, type ConnectionRetry } from '../../src/connection/connection.js'
import { CHECKS_PER_HEARTBEAT } from '../../src/connection/heartbeat.js'
import { NetError } from '../../src/errors/errors.js'
import { FakePlatform, FakeSocket } from '../../src/testing/index.js'
import { seeded_random, test_seed } from '../seeded_random.js'
import { settings } from './connection_owner.js'

const MAX_QUEUE = 2_000
const RUNS = 300
const STEPS = 60
/** So many sockets, one after another, and no more. */
const MOST_SOCKETS = 5

/** A socket, and what the test has made of it. */
interface Played {
  readonly socket: FakeSocket
  is_open: boolean
  /** The peer's Close is in: nothing arrives any more. */
  has_peer_closed: boolean
  is_gone: boolean
}

/** Everything that a run has seen, to be judged at its end. */
interface Seen {
  readonly accepted: string[]
  /** What should be delivered: each opening, and each message. */
  readonly received: string[]
  readonly delivered: string[]
  readonly infos: CloseInfo[]
  readonly losses: CloseInfo[]
  readonly sockets: Played[]
  delivered_at_close: number
  was_closed_here: boolean
  has_failed: boolean
}

interface RunOptions {
  readonly is_retried: boolean
}

/** Does what comes to mind to one connection, and ends it one way or another. */
async function run_at_random(random: () => number, { is_retried }: RunOptions): Promise<Seen> {
  const platform = new FakePlatform()
  const seen: Seen = {
    accepted: [],
    received: [],
    delivered: [],
    infos: [],
    losses: [],
    sockets: [],
    delivered_at_close: -1,
    was_closed_here: false,
    has_failed: false,
  }
  let release = (): void => {}
  let is_over = false
  let was_shut_down = false
  const hold = (): unknown => (random() < 0.2 ? new Promise<void>(resolve => (release = resolve)) : undefined)
  const retry: ConnectionRetry<null> = {
    allows: () => !is_over && seen.sockets.length < MOST_SOCKETS,
    lost: (_handle, info) => seen.losses.push(info),
  }
  const connection = new Connection<null>(
    { ...settings, max_queue: MAX_QUEUE },
    {
      retry: is_retried ? retry : undefined,
      on_open: () => {
        seen.delivered.push('open')
        return hold()
      },
      on_message: (_handle, data) => {
        seen.delivered.push(String(data))
        return hold()
      },
      on_close: (_handle, info) => {
        seen.infos.push(info)
        seen.delivered_at_close = seen.delivered.length
      },
      report: () => {},
      opened: () => {},
      ended: () => {},
    },
    platform,
    () => null,
  )
  let current!: Played
  const attach = (): void => {
    current = { socket: new FakeSocket(), is_open: false, has_peer_closed: false, is_gone: false }
    seen.sockets.push(current)
    current.socket.connect_to(connection)
    connection.attach(current.socket)
  }
  attach()

  const actions: (() => void)[] = [
    () => {
      const message = `${seen.accepted.length}:`.padEnd(Math.floor(random() * 700), '.')
      const was_queued = connection.queued
      const result = connection.send(message)
      if (result === true) seen.accepted.push(message)
      else expect(connection.queued).toBeLessThanOrEqual(was_queued)
      expect(connection.queued).toBeLessThanOrEqual(MAX_QUEUE)
    },
    () => platform.end_turn(),
    () => {
      current.socket.takes_writes = random() < 0.5
    },
    () => {
      if (current.is_open && !current.is_gone && current.socket.buffered_bytes > 0) current.socket.drain()
    },
    () => {
      if (!current.is_open || current.has_peer_closed || current.is_gone) return
      const message = `in ${seen.received.length}`
      if (connection.state === 'open' || was_shut_down) seen.received.push(message)
      current.socket.receive(message)
    },
    () => release(),
    () => platform.clock.advance(random() * 1_000),
    () => {
      for (let looks = 0; looks < CHECKS_PER_HEARTBEAT / 2; looks += 1) connection.check()
    },
    () => {
      if (current.is_gone && connection.reopen()) attach()
    },
  ]
  const open = (): void => {
    if (current.is_open || current.is_gone || current.socket.call_names.includes('terminate')) return
    current.is_open = true
    if (connection.state !== 'closing') seen.received.push('open')
    current.socket.open()
  }
  const end = (): void => {
    if (current.is_gone) return
    current.is_gone = true
    current.socket.end(current.is_open && random() < 0.5 ? 1000 : 1006)
  }
  const close = (): void => {
    seen.was_closed_here = true
    connection.close()
  }
  const rare_actions: (() => void)[] = [
    open,
    // What opens again more often lives through more.
    ...(is_retried ? [open, open, end] : [close]),
    () => {
      if (random() < 0.2) close()
    },
    () => {
      if (is_retried || random() < 0.5) return
      seen.was_closed_here = was_shut_down = true
      connection.shut_down(1001, '', random() < 0.5 ? 0 : 1_000, random() < 0.5 ? 'delivered' : 'dropped')
    },
    () => {
      if (current.is_gone || !current.is_open || random() < 0.5) return
      seen.has_failed = true
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
  for (let turn = 0; seen.infos.length === 0; turn += 1) {
    expect(turn).toBeLessThan(10_000)
    release()
    await Promise.resolve()
  }
  await connection.closed
  platform.end_turn()
  expect(platform.clock.timers).toBe(0)
  expect(connection.queued).toBe(0)
  return seen
}

describe.each([
  ['one socket', { is_retried: false }],
  ['several sockets, one after another,', { is_retried: true }],
])(`a connection over %s to which anything happens (seed ${test_seed})`, (_, options) => {
  it('sends what it took in order and once, and counts the rest as unsent', async () => {
    const random = seeded_random(test_seed)
    for (let run = 0; run < RUNS; run += 1) {
      const { sockets, accepted, infos, losses, has_failed } = await run_at_random(random, options)
      const [info] = infos as [CloseInfo]
      const sent = sockets.flatMap(({ socket }) => socket.sent)
      // What a failure throws away is left out; else nothing is.
      if (has_failed) expect(accepted.filter(message => sent.includes(message))).toEqual(sent)
      else expect(sent).toEqual(accepted.slice(0, sent.length))
      // Messages of a batch that was under way are written, and count as unsent all the same.
      const taken = sockets.reduce((sum, { socket }) => sum + socket.sent.length - socket.unsent, 0)
      expect(taken + info.unsent).toBe(accepted.length)
      expect(losses.reduce((sum, { unsent }) => sum + unsent, 0)).toBeLessThanOrEqual(info.unsent)
      for (const { socket } of sockets) {
        const end = socket.call_names.findIndex(call => call === 'close' || call === 'terminate')
        if (end !== -1) expect(socket.call_names.slice(end)).not.toContain('write')
      }
    }
  })

  it('calls on_open each time, delivers what arrived in order, then calls on_close, last and once', async () => {
    const random = seeded_random(test_seed + 1)
    for (let run = 0; run < RUNS; run += 1) {
      const seen = await run_at_random(random, options)
      expect(seen.infos).toHaveLength(1)
      expect(seen.delivered_at_close).toBe(seen.delivered.length)
      if (!seen.was_closed_here) expect(seen.delivered).toEqual(seen.received)
      // Closing throws away the messages that wait, but not the news that it was open.
      const [delivered, received] = [seen.delivered, seen.received].map(all =>
        all.filter(one => one !== 'open'),
      )
      expect(delivered).toEqual(received?.slice(0, delivered?.length))
    }
  })
})

it('the model over several sockets lives through losses, most of all', async () => {
  const random = seeded_random(test_seed)
  let sockets = 0
  for (let run = 0; run < RUNS; run += 1)
    sockets += (await run_at_random(random, { is_retried: true })).sockets.length
  expect(sockets).toBeGreaterThan(RUNS * 2)
})
