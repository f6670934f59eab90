import { beforeEach, describe, expect, it } from 'vitest'
import { CallbackMonitor } from '../../src/connection/callback_monitor.js'
import type { CloseInfo } from '../../src/connection/close_info.js'
import type { CallbackName } from '../../src/connection/inbox.js'
import type { NetError } from '../../src/errors/errors.js'
import { FakeClock } from '../../src/testing/index.js'

interface FakeInbox {
  running: CallbackName | undefined
  calls: number
  is_waiting: boolean
  close_due: CloseInfo | undefined
}

const CLOSED: CloseInfo = { code: 1000, reason: '', cause: 'peer', clean: true, unsent: 0 }

describe('CallbackMonitor', () => {
  let clock: FakeClock
  let inbox: FakeInbox
  let reported: string[]
  let monitor: CallbackMonitor
  let connection: { readonly inbox: FakeInbox; queued: number; report(error: NetError): void }

  beforeEach(() => {
    clock = new FakeClock()
    reported = []
    inbox = { running: 'on_message', calls: 1, is_waiting: true, close_due: undefined }
    connection = {
      inbox,
      queued: 0,
      report: ({ code, message }) => reported.push(`${code}: ${message.split(':')[0]}`),
    }
    monitor = new CallbackMonitor('server', clock, () => [connection])
    monitor.start()
  })

  const pending = (name: string): string => `callback_pending: ${name} has not settled for 30 s`

  it('reports a callback once, after 30 to 33 seconds, if messages wait for it', () => {
    clock.advance(30_000)
    expect([reported, monitor.has_reported(connection)]).toEqual([[], false])
    clock.advance(3_000)
    expect([reported, monitor.has_reported(connection)]).toEqual([[pending('on_message')], true])
    clock.advance(300_000)
    expect(reported).toHaveLength(1)
  })

  it('counts anew for each callback', () => {
    for (; inbox.calls < 20; inbox.calls += 1) clock.advance(27_000)
    expect(reported).toEqual([])
    clock.advance(33_000)
    expect(reported).toHaveLength(1)
    inbox.calls += 1
    expect(monitor.has_reported(connection)).toBe(false)
    clock.advance(33_000)
    expect(reported).toHaveLength(2)
  })

  it('waits until something waits for the callback: messages, or the end of the connection', () => {
    inbox.is_waiting = false
    clock.advance(300_000)
    expect(reported).toEqual([])
    inbox.close_due = CLOSED
    clock.advance(3_000)
    expect(reported).toHaveLength(1)
  })

  it.each<[CallbackName, 'client' | 'server', string]>([
    ['on_close', 'server', 'on_close'],
    ['on_open', 'server', 'on_connect'],
    ['on_open', 'client', 'on_open'],
  ])('calls %s of a %s %s', (running, side, name) => {
    monitor.stop()
    Object.assign(inbox, { running, is_waiting: running !== 'on_close' })
    new CallbackMonitor(side, clock, () => [connection]).start()
    clock.advance(33_000)
    expect(reported).toEqual([pending(name)])
  })

  it.each<[CallbackName, 'client' | 'server', number]>([
    ['on_open', 'client', 1],
    ['on_message', 'client', 0],
    ['on_open', 'server', 0],
  ])('reports %s of a %s that only the queue waits for %i times', (running, side, count) => {
    monitor.stop()
    Object.assign(inbox, { running, is_waiting: false })
    new CallbackMonitor(side, clock, () => [connection]).start()
    clock.advance(300_000)
    expect(reported).toEqual([])
    connection.queued = 1
    clock.advance(3_000)
    expect(reported).toHaveLength(count)
  })

  it('ignores connections without a running callback', () => {
    inbox.running = undefined
    clock.advance(300_000)
    expect(reported).toEqual([])
  })

  it('checks nothing once it is stopped', () => {
    monitor.stop()
    expect(clock.timers).toBe(0)
  })
})
