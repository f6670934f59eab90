import { describe, expect, it } from 'vitest'
import type { CloseInfo } from '../src/close_info.js'
import { Connection } from '../src/connection.js'
import { NetError } from '../src/errors.js'
import type { MessageBatch } from '../src/message_queue.js'
import { FakePlatform, FakeSocket } from '../src/testing/index.js'
import { seeded_random, test_seed } from './seeded_random.js'

const MAX_QUEUE = 2_000
const RUNS = 300
const STEPS = 60

/** Everything that a run has seen, to be judged at its end. */
interface Seen {
  readonly accepted: string[]
  readonly received: string[]
  readonly delivered: string[]
  readonly infos: CloseInfo[]
  delivered_at_close: number
  was_closed_here: boolean
}

/** Does what comes to mind to one connection, and ends it one way or another. */
async function run_at_random(random: () => number): Promise<{ seen: Seen; socket: FakeSocket }> {
  const platform = new FakePlatform()
  const socket = new FakeSocket()
  const seen: Seen = {
    accepted: [],
    received: [],
    delivered: [],
    infos: [],
    delivered_at_close: -1,
    was_closed_here: false,
  }
  let release = (): void => {}
  const connection = new Connection<null, MessageBatch>(
    { side: 'client', binary: false, max_queue: MAX_QUEUE, close_timeout: 5_000 },
    {
      on_open: () => {},
      on_message: (_handle, data) => {
        seen.delivered.push(String(data))
        return random() < 0.2 ? new Promise<void>(resolve => (release = resolve)) : undefined
      },
      on_close: (_handle, info) => {
        seen.infos.push(info)
        seen.delivered_at_close = seen.delivered.length
      },
      message_listener: () => 'ready',
      report: () => {},
      opened: () => {},
      ended: () => {},
    },
    platform,
    () => null,
  )
  socket.connect_to(connection)
  connection.attach(socket)
  let is_open = false
  let is_gone = false

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
      socket.takes_writes = random() < 0.5
    },
    () => {
      if (is_open && !is_gone && socket.buffered_bytes > 0) socket.drain()
    },
    () => {
      if (!is_open || is_gone) return
      const message = `in ${seen.received.length}`
      if (connection.state === 'open') seen.received.push(message)
      socket.receive(message)
    },
    () => release(),
    () => platform.clock.advance(random() * 1_000),
  ]
  const rare_actions: (() => void)[] = [
    () => {
      if (is_open || is_gone || socket.call_names.includes('terminate')) return
      is_open = true
      socket.open()
    },
    () => {
      seen.was_closed_here = true
      connection.close()
    },
    () => {
      if (!is_gone && is_open) socket.fail(new NetError('protocol_error', 'made up'), 1002)
    },
    () => {
      if (is_gone) return
      is_gone = true
      socket.end(is_open && random() < 0.5 ? 1000 : 1006)
    },
  ]
  for (let step = 0; step < STEPS; step += 1) {
    const choices = random() < 0.1 ? rare_actions : actions
    choices[Math.floor(random() * choices.length)]?.()
    await Promise.resolve()
  }
  if (!is_gone) socket.end(1006)
  for (let turn = 0; seen.infos.length === 0; turn += 1) {
    expect(turn).toBeLessThan(10_000)
    release()
    await Promise.resolve()
  }
  await connection.closed
  platform.end_turn()
  expect(platform.clock.timers).toBe(0)
  return { seen, socket }
}

describe(`a connection to which anything happens (seed ${test_seed})`, () => {
  it('sends what it took in order and once, and counts the rest as unsent', async () => {
    const random = seeded_random(test_seed)
    for (let run = 0; run < RUNS; run += 1) {
      const { seen, socket } = await run_at_random(random)
      const [info] = seen.infos as [CloseInfo]
      expect(socket.sent).toEqual(seen.accepted.slice(0, socket.sent.length))
      // Messages of a batch that was under way are written, and count as unsent all the same.
      expect(socket.sent.length + info.unsent).toBeGreaterThanOrEqual(seen.accepted.length)
      expect(info.unsent).toBeLessThanOrEqual(seen.accepted.length)
      if (socket.takes_writes && socket.buffered_bytes === 0) {
        expect(socket.sent.length + info.unsent).toBe(seen.accepted.length)
      }
      const end = socket.call_names.findIndex(call => call === 'close' || call === 'terminate')
      if (end !== -1) expect(socket.call_names.slice(end)).not.toContain('write')
    }
  })

  it('delivers what arrived in order, then calls on_close, last and once', async () => {
    const random = seeded_random(test_seed + 1)
    for (let run = 0; run < RUNS; run += 1) {
      const { seen } = await run_at_random(random)
      expect(seen.infos).toHaveLength(1)
      expect(seen.delivered).toEqual(seen.received.slice(0, seen.delivered.length))
      expect(seen.delivered_at_close).toBe(seen.delivered.length)
      if (!seen.was_closed_here) expect(seen.delivered.length).toBe(seen.received.length)
    }
  })
})
