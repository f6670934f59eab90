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
import type { AttemptOptions } from '../client/attempt_options.js'
import { too_large } from '../client/too_large.js'
import { browser_platform } from './platform.js'

const MIN_POLL_INTERVAL_MS = 1
const MAX_POLL_INTERVAL_MS = 64

/** The header of a small masked frame (RFC 6455 §5.2). */
const HEADER_BYTES = 6

/** A page may close only with 1000 and 3000 to 4999, so other codes are shifted: 1003 is sent as 4003. */
const UNSENDABLE_SHIFT = 3_000

/**
 * A {@link SocketPort} over the WebSocket of browsers, workers, Deno and Bun (WHATWG WebSockets). That has an
 * unlimited queue, whose size is `bufferedAmount`, without an event when it shrinks. So a timer polls it,
 * and every received message does, because the timers of a hidden tab are slow. Reading can't be paused.
 */
export class WebSocketPort implements SocketPort {
  readonly #socket: WebSocket
  readonly #events: SocketEvents
  /**
   * The batches that the network has not taken, oldest first. `bytes` is the total number of bytes
   * written up to the end of the batch.
   */
  readonly #unsent_batches: { readonly messages: number; readonly bytes: number }[] = []
  #written_bytes = 0
  #taken_bytes = 0
  #unsent = 0
  /** What the network had taken at the last check; `Infinity` if that was everything. */
  #stuck_at_bytes = Infinity
  #signs_of_life = 0
  readonly #url: string
  #poll_interval_ms = MIN_POLL_INTERVAL_MS
  #timer: ReturnType<typeof setTimeout> | undefined
  /** The code that this side closed with, if it is a shifted one. */
  #shifted_code: number | undefined
  /** Set once the socket has ended. */
  is_close_sent = false

  constructor(
    socket: WebSocket,
    { url, max_payload }: Pick<AttemptOptions, 'url' | 'max_payload'>,
    events: SocketEvents,
  ) {
    this.#socket = socket
    this.#events = events
    this.#url = url
    let is_open = false
    let failure = 'see the console'
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      is_open = true
      events.socket_opened()
    }
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      this.#signs_of_life += 1
      if (this.#unsent > 0 && this.#drop_taken()) events.socket_drained()
      const payload = typeof data === 'string' ? data : new Uint8Array(data)
      const payload_bytes = typeof payload === 'string' ? utf8_length(payload) : payload.length
      if (payload_bytes <= max_payload) events.socket_message(payload, payload_bytes)
      else events.socket_failed(too_large(payload_bytes, max_payload), MESSAGE_TOO_BIG)
    }
    socket.onerror = event => {
      // Browsers hide the reason, but Deno and Bun report it.
      failure = (event as ErrorEvent).message ?? failure
    }
    socket.onclose = ({ code, reason, wasClean }) => {
      const own_code = code === this.#shifted_code ? code - UNSENDABLE_SHIFT : code
      // Deno reports 0 for a connection that never opened.
      this.#end(
        own_code || ABNORMAL_CLOSURE,
        reason,
        // Some platforms do not set `wasClean`.
        wasClean ?? code !== ABNORMAL_CLOSURE,
        is_open
          ? undefined
          : new NetError(
              'handshake_failed',
              `connect: ${shown_url(url)} did not open a WebSocket: ${shown_text(failure)}`,
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
    this.#unsent_batches.push({ messages, bytes: this.#written_bytes })
    this.#drop_taken()
    this.#poll_later()
  }

  close(code: number, reason: string): void {
    if (code > NORMAL_CLOSURE && code < UNSENDABLE_SHIFT) this.#shifted_code = code + UNSENDABLE_SHIFT
    this.#socket.close(this.#shifted_code ?? code, reason)
  }

  terminate(): void {
    const socket = this.#socket
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
    queueMicrotask(() => this.#end(ABNORMAL_CLOSURE, '', false))
  }

  signs_of_life(probe?: object): number {
    const previous_bytes = this.#stuck_at_bytes
    const is_stuck = this.#unsent > 0
    this.#stuck_at_bytes = is_stuck ? this.#taken_bytes : Infinity
    // What is taken at once proves nothing: the system takes it for a dead peer, too.
    const is_alive = is_stuck
      ? this.#taken_bytes > previous_bytes
      : // A page can't send pings. Without a probe, silence counts only while there is no network.
        probe === undefined && !browser_platform.is_cut_off(this.#url)
    if (is_alive) this.#signs_of_life += 1
    return this.#signs_of_life
  }

  ping(): void {}

  pause(): void {}

  resume(): void {}

  /** Platforms without `bufferedAmount`, such as Cloudflare's workerd, count everything as sent at once. */
  get #raw_buffered_bytes(): number {
    return this.#socket.bufferedAmount ?? 0
  }

  /** Polls until the network has taken everything. */
  #poll_later(): void {
    if (this.#unsent === 0 || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const has_moved = this.#drop_taken()
      this.#poll_interval_ms = has_moved
        ? MIN_POLL_INTERVAL_MS
        : Math.min(this.#poll_interval_ms * 2, MAX_POLL_INTERVAL_MS)
      this.#poll_later()
      if (has_moved) this.#events.socket_drained()
    }, this.#poll_interval_ms)
  }

  /** Forgets the batches that the network has taken, and returns whether it has taken any bytes. */
  #drop_taken(): boolean {
    const previously_taken = this.#taken_bytes
    this.#taken_bytes = this.#written_bytes - this.#raw_buffered_bytes
    while (this.#unsent_batches[0] !== undefined && this.#unsent_batches[0].bytes <= this.#taken_bytes)
      this.#unsent -= this.#unsent_batches.shift()?.messages ?? 0
    return this.#taken_bytes > previously_taken
  }

  #end(code: number, reason: string, is_clean: boolean, error?: NetError): void {
    // Some platforms reset `bufferedAmount` when the connection is lost, and then the last known value
    // counts.
    if (is_clean || this.#raw_buffered_bytes > 0) this.#drop_taken()
    // A browser may report a clean end although its Close is stuck behind messages.
    this.is_close_sent = is_clean && this.#unsent === 0
    clearTimeout(this.#timer)
    this.#events.socket_closed(code, reason, error)
  }
}
