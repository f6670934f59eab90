import { WebSocket as WsWebSocket } from 'ws'
import type { ReactNativeSocket } from '../../src/react_native/react_native_socket.js'

const CONNECTING = 0
const OPEN = 1
const CLOSING = 2
const CLOSED = 3
const ABNORMAL_CLOSURE = 1006

/** What the WebSocket of React Native takes as its third argument. */
interface Options {
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Behaves like the WebSocket of React Native 0.88 on Android, over `ws`: no `bufferedAmount`, no `wasClean`,
 * the reason of a failure is that of the close with 1006, a subprotocol is not checked, and `close` does
 * nothing on the network before the socket is open.
 */
export class ReactNativeWebSocket implements ReactNativeSocket {
  binaryType?: string
  readonly bufferedAmount: undefined
  readyState = CONNECTING
  protocol: string | undefined
  onopen: ReactNativeSocket['onopen'] = null
  onmessage: ReactNativeSocket['onmessage'] = null
  onerror: ReactNativeSocket['onerror'] = null
  onclose: ReactNativeSocket['onclose'] = null
  readonly #ws: WsWebSocket
  #failure = 'Socket closed'

  constructor(url: string, protocols?: string[], { headers = {} }: Options = {}) {
    // Other than `ws`, React Native takes any answer to the offered subprotocols.
    const offer = protocols === undefined ? {} : { 'Sec-WebSocket-Protocol': protocols.join(', ') }
    const settings = { headers: { ...headers, ...offer }, closeTimeout: 1_000 }
    this.#ws = new WsWebSocket(url, [], settings)
    let selected = ''
    this.#ws.on('upgrade', ({ headers }) => {
      selected = headers['sec-websocket-protocol'] ?? ''
      delete headers['sec-websocket-protocol']
    })
    this.#ws.on('open', () => {
      this.readyState = OPEN
      this.protocol = selected
      this.onopen?.()
    })
    this.#ws.on('message', (data: Buffer, is_binary) => {
      this.onmessage?.({ data: is_binary ? new Uint8Array(data).buffer : data.toString() })
    })
    this.#ws.on('error', ({ message }) => {
      this.#failure = message
    })
    this.#ws.on('close', (code, reason) => {
      this.readyState = CLOSED
      if (code === ABNORMAL_CLOSURE) {
        this.onerror?.({})
        this.onclose?.({ code, reason: this.#failure })
      } else this.onclose?.({ code, reason: reason.toString() })
    })
  }

  send(data: string | Uint8Array): void {
    if (this.readyState === CONNECTING) throw new Error('INVALID_STATE_ERR')
    this.#ws.send(data)
  }

  close(code = 1_000, reason = ''): void {
    if (this.readyState >= CLOSING) return
    const was_open = this.readyState === OPEN
    this.readyState = CLOSING
    if (was_open) this.#ws.close(code, reason)
  }
}
