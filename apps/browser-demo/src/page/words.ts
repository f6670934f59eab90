import type { CloseInfo, ConnectionState } from '@bt/net'

const KIB = 1024
const MIB = KIB * KIB
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** A count: `20,000`. */
export function count_text(count: number): string {
  return whole.format(count)
}

/** A count with its noun: `1 message`, `2 messages`. */
export function things_text(count: number, thing: string): string {
  return `${count_text(count)} ${thing}${count === 1 ? '' : 's'}`
}

/** Bytes: `640 B`, `12 KiB`, `1 MiB`. */
export function bytes_text(bytes: number): string {
  if (bytes < KIB) return `${whole.format(bytes)} B`
  return bytes < 1000 * KIB ? `${whole.format(bytes / KIB)} KiB` : `${short.format(bytes / MIB)} MiB`
}

/** Milliseconds: `0.4 ms`, `12 ms`, `3.1 s`; `–` where it is not known. */
export function ms_text(ms: number | undefined): string {
  if (ms === undefined) return '–'
  if (ms >= 1000) return `${short.format(ms / 1000)} s`
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${whole.format(ms)} ms`
}

/** What the page knows of its connection, for {@link story}. */
export interface Situation {
  readonly state: ConnectionState | 'none'
  /** How the last connection ended, where there was one. */
  readonly info: CloseInfo | undefined
  readonly is_full: boolean
  readonly queued_bytes: number
  readonly is_slow: boolean
  /** Which load is under way. */
  readonly load: 'none' | 'echo' | 'feed'
}

const MUCH_BYTES = 65_536

/** What happens just now, for somebody who has never seen a connection. */
export function story(situation: Situation): string {
  const { state, info } = situation
  if (state === 'connecting')
    return 'Connecting. What is sent before the connection is open waits in the queue.'
  if (state === 'closing') return 'Closing in order: what was sent goes out first, then a Close.'
  if (state === 'open') return story_of_open(situation)
  return info === undefined ? 'There is no connection yet.' : story_of_end(info)
}

function story_of_open({ is_full, is_slow, queued_bytes, load }: Situation): string {
  if (is_full)
    return 'The queue is full: send took nothing and returned queue_full. The page waits for drained(), then goes on.'
  if (queued_bytes > MUCH_BYTES)
    return is_slow
      ? 'The server reads slowly and takes no more from the network, so what the page sends waits in its queue.'
      : 'More was sent than the network takes at once: the rest waits in the queue.'
  if (is_slow && load === 'echo')
    return 'The server takes its time with each message. First its own inbox fills, then the network, then the queue.'
  if (load === 'echo')
    return 'The page sends, the server answers each message. Nobody is too quick, so nothing waits.'
  if (load === 'feed')
    return 'The server sends and the page counts. A page too slow for it would fill the queue at the server.'
  return 'Open. Ten small pings a second measure the way there and back. Start a load, then let the server read slowly.'
}

function story_of_end({ cause, code, unsent }: CloseInfo): string {
  const lost = unsent === 0 ? '' : ` The network never took ${things_text(unsent, 'message')} that were sent.`
  switch (cause) {
    case 'local':
      return `This page closed, and what was sent before went out first.${lost}`
    case 'peer':
      return code === GOING_AWAY
        ? `The server was stopped: it closed every connection in order.${lost}`
        : `The server closed, with a code and a reason of its own.${lost}`
    case 'network':
      return `The connection broke without a Close. Nobody sent a code: 1006 stands for that.${lost}`
    case 'refused':
      return `Nobody answered: the connection never opened.${lost}`
    default:
      return `The connection ended; the cause is ${cause}.${lost}`
  }
}

const GOING_AWAY = 1001
