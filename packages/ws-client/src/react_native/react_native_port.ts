import { NetError } from '@bt/ws-protocol'
import {
  ABNORMAL_CLOSURE,
  MESSAGE_TOO_BIG,
  type MessageBatch,
  type SocketEvents,
  type SocketPort,
  shown_text,
  shown_url,
  utf8_length,
} from '@bt/ws-protocol/internal'
import type { AttemptOptions } from '../client/attempt_options.js'
import { too_large } from '../client/too_large.js'
import { react_native_platform } from './platform.js'
import type { ReactNativeSocket } from './react_native_socket.js'

/** The `readyState` of an open socket. */
const OPEN = 1

/**
 * A {@link SocketPort} over the WebSocket of React Native. That does not say how much of what was sent the
 * network has taken, so all of it counts as taken. Reading can't be paused.
 */
export class ReactNativePort implements SocketPort {
  readonly unsent = 0
  readonly buffered_bytes = 0
  /** Set once the socket has ended. */
  is_close_sent = false
  readonly #socket: ReactNativeSocket
  readonly #events: SocketEvents
  #signs_of_life = 0

  constructor(
    socket: ReactNativeSocket,
    { url, protocols, max_payload }: Pick<AttemptOptions, 'url' | 'protocols' | 'max_payload'>,
    events: SocketEvents,
  ) {
    this.#socket = socket
    this.#events = events
    let is_open = false
    let failure: string | undefined
    const not_opened = (reason: string): NetError =>
      new NetError('handshake_failed', `connect: ${shown_url(url)} did not open a WebSocket: ${reason}`)
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      // Browsers check this themselves (RFC 6455 §4.1).
      const flaw = protocol_flaw(socket.protocol ?? '', protocols)
      if (flaw !== undefined) {
        this.#leave()
        events.socket_closed(ABNORMAL_CLOSURE, '', not_opened(flaw))
        return
      }
      is_open = true
      events.socket_opened()
    }
    socket.onmessage = ({ data }) => {
      this.#signs_of_life += 1
      const payload = typeof data === 'string' ? data : new Uint8Array(data)
      const payload_bytes = typeof payload === 'string' ? utf8_length(payload) : payload.length
      if (payload_bytes <= max_payload) events.socket_message(payload, payload_bytes)
      else events.socket_failed(too_large(payload_bytes, max_payload), MESSAGE_TOO_BIG)
    }
    socket.onerror = ({ message }) => {
      failure = message
    }
    socket.onclose = event => {
      const code = event.code || ABNORMAL_CLOSURE
      const reason = event.reason ?? ''
      if (is_open && code !== ABNORMAL_CLOSURE) {
        this.is_close_sent = true
        events.socket_closed(code, reason)
        return
      }
      const cause = shown_text(failure ?? reason)
      const lost = cause === '' ? undefined : new NetError('connection_lost', cause)
      events.socket_closed(ABNORMAL_CLOSURE, '', is_open ? lost : not_opened(cause || 'no reason is given'))
    }
  }

  get is_writable(): boolean {
    return this.#socket.readyState === OPEN
  }

  get takes_batch(): boolean {
    return this.is_writable
  }

  write({ payloads }: MessageBatch): void {
    for (const payload of payloads) this.#socket.send(payload)
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#leave()
    react_native_platform.defer(() => this.#events.socket_closed(ABNORMAL_CLOSURE, ''))
  }

  signs_of_life(probe?: object): number {
    // There is neither a pong nor a queue to watch, so silence says nothing about the peer without a probe.
    if (probe === undefined) this.#signs_of_life += 1
    return this.#signs_of_life
  }

  ping(): void {}

  pause(): void {}

  resume(): void {}

  #leave(): void {
    const socket = this.#socket
    socket.onmessage = socket.onclose = null
    // Android ignores a `close` before the socket is open, and would then open it.
    socket.onopen = () => socket.close()
    socket.close()
  }
}

/** Returns what is wrong with the subprotocol that the server selected, `''` for none. */
function protocol_flaw(selected: string, offered: readonly string[]): string | undefined {
  if (selected === '') return offered.length > 0 ? 'the server accepted none of the subprotocols' : undefined
  return offered.includes(selected) ? undefined : 'the server selected a subprotocol that was not offered'
}
