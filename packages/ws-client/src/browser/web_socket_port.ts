import { NetError } from '@bt/ws-protocol'
import {
  ABNORMAL_CLOSURE,
  MESSAGE_TOO_BIG,
  type MessageBatch,
  NORMAL_CLOSURE,
  type SocketEvents,
  type SocketPort,
  shown_text,
  shown_url,
  utf8_length,
} from '@bt/ws-protocol/internal'
import type { ConnectSettings } from '../client/options.js'
import { browser_platform } from './platform.js'

const SHORTEST_WAIT_MS = 1
const LONGEST_WAIT_MS = 64

/** RFC 6455 §5.2: the header of a small masked frame. */
const HEADER_BYTES = 6

/** A page may close with 1000 and 3000 to 4999 alone: 1003 goes out as 4003, and so on. */
const UNSENDABLE_SHIFT = 3_000

/**
 * A {@link SocketPort} over the WebSocket that browsers, workers, Deno and Bun have (WHATWG WebSockets). It takes whatever is sent,
 * and tells as `bufferedAmount` what the network has not taken, but never that this has become less: so it is looked at by a timer,
 * and whenever a message arrives, since the timers of a hidden tab are slow. Reading can't be paused.
 */
export class WebSocketPort implements SocketPort {
  readonly #socket: WebSocket
  readonly #sink: SocketEvents
  /** The batches that the network has not taken, the oldest first; each ends at that byte of all that was written. */
  readonly #under_way: { readonly messages: number; readonly end_bytes: number }[] = []
  #written_bytes = 0
  #taken_bytes = 0
  #unsent = 0
  #signs_of_life = 0
  readonly #url: string
  #wait_ms = SHORTEST_WAIT_MS
  #timer: ReturnType<typeof setTimeout> | undefined
  /** The code that this side closed with, if it stands for one that a page may not send. */
  #shifted_code: number | undefined
  /** Valid once the socket has ended. */
  is_close_sent = false

  constructor(
    socket: WebSocket,
    { url, max_payload }: Pick<ConnectSettings, 'url' | 'max_payload'>,
    sink: SocketEvents,
  ) {
    this.#socket = socket
    this.#sink = sink
    this.#url = url
    let is_open = false
    let why = 'see the console of the browser'
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      is_open = true
      sink.socket_opened()
    }
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      this.#signs_of_life += 1
      if (this.#unsent > 0 && this.#drop_taken()) sink.socket_drained()
      const payload = typeof data === 'string' ? data : new Uint8Array(data)
      const payload_bytes = typeof payload === 'string' ? utf8_length(payload) : payload.length
      if (payload_bytes <= max_payload) sink.socket_message(payload, payload_bytes)
      else sink.socket_failed(too_large(payload_bytes, max_payload), MESSAGE_TOO_BIG)
    }
    socket.onerror = event => {
      // Deno and Bun do say why.
      why = (event as ErrorEvent).message ?? why
    }
    socket.onclose = ({ code, reason, wasClean }) => {
      const own_code = code === this.#shifted_code ? code - UNSENDABLE_SHIFT : code
      // Deno closes with 0 what never opened.
      this.#ended(
        own_code || ABNORMAL_CLOSURE,
        reason,
        // Not every platform says it.
        wasClean ?? code !== ABNORMAL_CLOSURE,
        is_open
          ? undefined
          : new NetError(
              'handshake_failed',
              `connect: ${shown_url(url)} did not open a WebSocket: ${shown_text(why)}`,
            ),
      )
    }
  }

  get is_writable(): boolean {
    return this.#socket.readyState === 1
  }

  get takes_batch(): boolean {
    return this.is_writable
  }

  get unsent(): number {
    return this.#unsent
  }

  get buffered_bytes(): number {
    return this.#raw_buffered_bytes + this.#unsent * HEADER_BYTES
  }

  write({ payloads, messages, payload_bytes }: MessageBatch): void {
    for (const payload of payloads) this.#socket.send(payload as string)
    this.#unsent += messages
    this.#written_bytes += payload_bytes
    this.#under_way.push({ messages, end_bytes: this.#written_bytes })
    this.#drop_taken()
    this.#look_later()
  }

  close(code: number, reason: string): void {
    if (code > NORMAL_CLOSURE && code < UNSENDABLE_SHIFT) this.#shifted_code = code + UNSENDABLE_SHIFT
    this.#socket.close(this.#shifted_code ?? code, reason)
  }

  terminate(): void {
    const socket = this.#socket
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
    queueMicrotask(() => this.#ended(ABNORMAL_CLOSURE, '', false))
  }

  signs_of_life(): number {
    // Without pings, silence says something only where an answer is overdue: what was sent does not go out, or there is no network.
    if (this.#unsent === 0 && !browser_platform.is_cut_off(this.#url)) this.#signs_of_life += 1
    return this.#signs_of_life
  }

  ping(): void {}

  pause(): void {}

  resume(): void {}

  /** Some platforms, such as Cloudflare's workerd, have no `bufferedAmount`: there, what was passed on counts as sent. */
  get #raw_buffered_bytes(): number {
    return this.#socket.bufferedAmount ?? 0
  }

  /** Looks after a while how much the network has taken, and again until it has taken all. */
  #look_later(): void {
    if (this.#unsent === 0 || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const has_moved = this.#drop_taken()
      this.#wait_ms = has_moved ? SHORTEST_WAIT_MS : Math.min(this.#wait_ms * 2, LONGEST_WAIT_MS)
      this.#look_later()
      if (has_moved) this.#sink.socket_drained()
    }, this.#wait_ms)
  }

  /** Counts no more what the network has taken; returns whether it has taken anything. */
  #drop_taken(): boolean {
    const had_taken = this.#taken_bytes
    this.#taken_bytes = this.#written_bytes - this.#raw_buffered_bytes
    while (this.#under_way[0] !== undefined && this.#under_way[0].end_bytes <= this.#taken_bytes)
      this.#unsent -= this.#under_way.shift()?.messages ?? 0
    const has_moved = this.#taken_bytes > had_taken
    if (has_moved) this.#signs_of_life += 1
    return has_moved
  }

  #ended(code: number, reason: string, is_clean: boolean, error?: NetError): void {
    // Not every platform keeps `bufferedAmount` when the connection is lost: then what was last seen counts.
    if (is_clean || this.#raw_buffered_bytes > 0) this.#drop_taken()
    // A browser may call an end clean though its Close is stuck behind messages.
    this.is_close_sent = is_clean && this.#unsent === 0
    clearTimeout(this.#timer)
    this.#sink.socket_closed(code, reason, error)
  }
}

function too_large(payload_bytes: number, max_payload: number): NetError {
  const message = `closed with 1009: the peer sent a message of ${payload_bytes} bytes; raise max_payload, ${max_payload} bytes, to take it`
  return new NetError('message_too_large', message)
}
