import type { CloseInfo, ConnectionState } from '@bt/net'
import type { SessionOpening } from '@bt/net/session'
import type { NextAttempt } from './connection.js'

const KIB = 1024
const MIB = KIB * KIB
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** Formats a count: `20,000`. */
export function count_text(count: number): string {
  return whole.format(count)
}

/** Formats a count with its noun: `1 message`, `2 messages`. */
export function things_text(count: number, thing: string): string {
  return `${count_text(count)} ${thing}${count === 1 ? '' : 's'}`
}

/** Formats bytes: `640 B`, `12 KiB`, `1 MiB`. */
export function bytes_text(bytes: number): string {
  if (bytes < KIB) return `${whole.format(bytes)} B`
  return bytes < 1000 * KIB ? `${whole.format(bytes / KIB)} KiB` : `${short.format(bytes / MIB)} MiB`
}

/** Formats milliseconds: `0.4 ms`, `12 ms`, `3.1 s`; `–` if unknown. */
export function ms_text(ms: number | undefined): string {
  if (ms === undefined) return '–'
  if (ms >= 1000) return `${short.format(ms / 1000)} s`
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${whole.format(ms)} ms`
}

/** What {@link story} depends on. */
export interface Situation {
  readonly state: ConnectionState | 'none'
  /** How the last connection ended, if there was one. */
  readonly info: CloseInfo | undefined
  /** The next attempt, while the client reconnects. */
  readonly next: NextAttempt | undefined
  readonly has_session: boolean
  readonly is_full: boolean
  readonly queued_bytes: number
  readonly is_slow: boolean
  /** The load that is running. */
  readonly load: 'none' | 'echo' | 'feed'
}

const MUCH_BYTES = 65_536

/** Explains the current state to a user who knows nothing about connections. */
export function story(situation: Situation): string {
  const { state, info } = situation
  if (state === 'connecting')
    return 'Connecting. A message that is sent before the connection is open waits in the queue.'
  if (state === 'closing') return 'Closing: queued messages go out first, then a Close.'
  if (state === 'open') return story_of_open(situation)
  if (state === 'reconnecting') return story_of_loss(situation)
  return info === undefined ? 'There is no connection yet.' : story_of_end(info)
}

function story_of_open({ is_full, is_slow, queued_bytes, load }: Situation): string {
  if (is_full)
    return 'The queue is full: send returned queue_full. The page waits for drained(), then continues.'
  if (queued_bytes > MUCH_BYTES)
    return is_slow
      ? 'The server reads slowly, so the messages of the page wait in its queue.'
      : 'The page sends faster than the network transmits: the rest waits in the queue.'
  if (is_slow && load === 'echo')
    return 'The server handles messages slowly. First its own inbox fills, then the network buffers, then the queue.'
  if (load === 'echo')
    return 'The page sends, and the server answers each message. Both keep up, so nothing waits.'
  if (load === 'feed')
    return 'The server sends, and the page counts. A page that is too slow would fill the queue at the server.'
  return 'Open. Ten small pings a second measure the round-trip time. Start a load, then let the server read slowly.'
}

/** Describes the next attempt: `Attempt 2 in 3 s`. */
export function attempt_text({ attempt, wait_ms }: NextAttempt): string {
  return `Attempt ${count_text(attempt)} ${wait_ms === 0 ? 'is under way' : `in ${Math.ceil(wait_ms / 1000)} s`}`
}

/** Describes how a session goes on: `in the same session`. */
export function opening_text({ recovered, in_doubt }: SessionOpening): string {
  if (recovered) return 'in the same session'
  return in_doubt === 0
    ? 'in a new session'
    : `in a new session, ${things_text(in_doubt, 'message')} in doubt`
}

function story_of_loss({ info, next, has_session, is_full, queued_bytes }: Situation): string {
  const when = next === undefined ? 'Another attempt follows' : attempt_text(next)
  const kept =
    has_session && info?.clean === false ? ' The server keeps the session, and what it has to send.' : ''
  return `${loss_text(info)} ${when}; until it is open, ${queue_text(is_full, queued_bytes)}.${kept}`
}

function queue_text(is_full: boolean, queued_bytes: number): string {
  if (is_full) return 'the queue is full'
  return queued_bytes === 0 ? 'messages wait in the queue' : `${bytes_text(queued_bytes)} wait in the queue`
}

function loss_text(info: CloseInfo | undefined): string {
  switch (info?.cause) {
    case 'peer':
      return info.code === SERVICE_RESTART || info.code === GOING_AWAY
        ? 'The server was stopped, and closed in order.'
        : 'The server closed.'
    case 'refused':
      return 'The server does not answer.'
    case 'heartbeat':
      return 'The server did not answer pings any more.'
    default:
      return 'The connection broke without a Close.'
  }
}

function story_of_end({ cause, clean, code, unsent }: CloseInfo): string {
  const lost = unsent === 0 ? '' : ` ${things_text(unsent, 'message')} never reached the network.`
  switch (cause) {
    case 'local':
      return clean
        ? `This page closed, after all queued messages had gone out.${lost}`
        : `This page gave up before the connection was open.${lost}`
    case 'peer':
      return code === GOING_AWAY
        ? `The server was stopped: it closed every connection in order.${lost}`
        : `The server closed, with a code and a reason of its own.${lost}`
    case 'network':
      return `The connection broke without a Close. No code was received, which 1006 stands for.${lost}`
    case 'refused':
      return `The server did not answer: the connection never opened.${lost}`
    default:
      return `The connection ended; the cause is ${cause}.${lost}`
  }
}

const GOING_AWAY = 1001
const SERVICE_RESTART = 1012
