import {
  type CancelTimer,
  CLOSE_CODE,
  type MessageBatch,
  NetError,
  type SocketPort,
  type SocketSink,
  utf8_length,
} from '@bt/ws-protocol'
import { browser_platform } from './platform.js'

const SHORTEST_WAIT_MS = 1
const LONGEST_WAIT_MS = 64

/** A page may close with 1000 and 3000 to 4999 alone: 1003 goes out as 4003, and so on. */
const UNSENDABLE_SHIFT = 3_000

type BatchUnderWay = Omit<MessageBatch, 'payloads'>

/**
 * A {@link SocketPort} over the WebSocket that browsers, workers, Deno and Bun have (WHATWG WebSockets). It takes whatever is sent,
 * tells how much waits as `bufferedAmount`, and never that this has become less: so that is looked after by a timer, and whenever something
 * else happens, since the timers of a hidden tab are slow. Reading can't be paused.
 */
export class WebSocketPort implements SocketPort<MessageBatch> {
  readonly #socket: WebSocket
  readonly #sink: SocketSink
  /** What the platform has and the network has not taken, the oldest first. */
  readonly #under_way: BatchUnderWay[] = []
  #payload_bytes = 0
  #header_bytes = 0
  #unsent = 0
  /** `bufferedAmount` as it was when it was last looked at. */
  #buffered = 0
  #wait_ms = SHORTEST_WAIT_MS
  #cancel_look: CancelTimer | undefined
  #close_code = 0

  constructor(socket: WebSocket, url: string, max_payload: number, sink: SocketSink) {
    this.#socket = socket
    this.#sink = sink
    let why: string | undefined
    let is_open = false
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      is_open = true
      sink.socket_opened()
    }
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      this.#look()
      const payload_bytes = typeof data === 'string' ? utf8_length(data) : data.byteLength
      if (payload_bytes > max_payload) sink.socket_failed(too_large(payload_bytes, max_payload), CLOSE_CODE.MESSAGE_TOO_BIG)
      else sink.socket_message(typeof data === 'string' ? data : new Uint8Array(data), payload_bytes)
    }
    socket.onerror = event => {
      why = (event as ErrorEvent).message
    }
    socket.onclose = ({ code, reason }) => {
      const is_own = code === this.#close_code + UNSENDABLE_SHIFT
      this.#ended(is_own ? this.#close_code : code, reason, is_open ? undefined : not_opened(url, why))
    }
  }

  get is_writable(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  get takes_batch(): boolean {
    return this.is_writable
  }

  get unsent(): number {
    return this.#unsent
  }

  get buffered_bytes(): number {
    return this.#socket.bufferedAmount + this.#header_bytes
  }

  write({ payloads, ...batch }: MessageBatch): void {
    for (const payload of payloads) this.#socket.send(payload as string)
    this.#under_way.push(batch)
    this.#count(batch, 1)
    this.#drop_taken()
    if (this.#cancel_look === undefined) this.#look_later()
  }

  close(code: number, reason: string): void {
    this.#close_code = code
    this.#socket.close(code > CLOSE_CODE.NORMAL && code < UNSENDABLE_SHIFT ? code + UNSENDABLE_SHIFT : code, reason)
  }

  terminate(): void {
    const socket = this.#socket
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
    queueMicrotask(() => this.#ended(CLOSE_CODE.ABNORMAL, ''))
  }

  pause(): void {}

  resume(): void {}

  /** Looks how much the network has taken since. */
  #look(): void {
    if (this.#unsent === 0) return
    const had_buffered = this.#buffered
    this.#drop_taken()
    const has_moved = this.#buffered < had_buffered
    this.#wait_ms = has_moved ? SHORTEST_WAIT_MS : Math.min(this.#wait_ms * 2, LONGEST_WAIT_MS)
    this.#look_later()
    if (has_moved) this.#sink.socket_drained()
  }

  #look_later(): void {
    this.#cancel_look?.()
    this.#cancel_look =
      this.#unsent > 0
        ? browser_platform.clock.start_timer(this.#wait_ms, () => this.#look())
        : undefined
  }

  #drop_taken(): void {
    this.#buffered = this.#socket.bufferedAmount
    for (let [batch] = this.#under_way; batch !== undefined; [batch] = this.#under_way) {
      if (this.#payload_bytes - batch.payload_bytes < this.#buffered) return
      this.#under_way.shift()
      this.#count(batch, -1)
    }
  }

  #count(batch: BatchUnderWay, sign: 1 | -1): void {
    this.#unsent += sign * batch.messages
    this.#payload_bytes += sign * batch.payload_bytes
    this.#header_bytes += sign * (batch.frame_bytes - batch.payload_bytes)
  }

  #ended(code: number, reason: string, error?: NetError): void {
    this.#drop_taken()
    this.#cancel_look?.()
    this.#sink.socket_closed(code, reason, error)
  }
}

function too_large(payload_bytes: number, max_payload: number): NetError {
  const message = `closed with 1009, since the peer sent a message of ${payload_bytes} bytes: max_payload is ${max_payload} bytes; raise it to take such messages`
  return new NetError('message_too_large', message)
}

function not_opened(url: string, why = 'a browser does not say why; look at its console, at the address, and at what the server says'): NetError {
  return new NetError('handshake_failed', `connect: ${url} did not open a WebSocket: ${why}`)
}
