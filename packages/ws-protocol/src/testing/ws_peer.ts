import type { CloseInfo } from '../connection/close_info.js'
import type { PortPeer } from './port_cases.js'

type Data = string | Uint8Array

/** The part of a WebSocket of `ws` that is used here, without a dependency on its types. */
export interface WsLike {
  /** Registers a listener for an event. */
  on(event: string, listener: (...args: never[]) => void): unknown
  /** Sends a message. */
  send(data: Data): void
  /** Stops reading. */
  pause(): void
  /** Resumes reading. */
  resume(): void
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void
  /** Ends the socket without a Close. */
  terminate(): void
}

/** The peer of a port under test, implemented with `ws`. */
export class WsPeer implements PortPeer {
  readonly #ws: WsLike
  readonly #arrived: Data[] = []
  readonly #closed: Promise<Pick<CloseInfo, 'code' | 'reason'>>
  #wanted: { readonly count: number; readonly resolve: (data: readonly Data[]) => void } | undefined

  constructor(ws: WsLike) {
    this.#ws = ws
    ws.on('error', () => {})
    ws.on('message', (data: Uint8Array, is_binary: boolean) =>
      this.#add(is_binary ? Uint8Array.from(data) : String(data)),
    )
    this.#closed = new Promise(resolve =>
      ws.on('close', (code: number, reason: Uint8Array) => resolve({ code, reason: String(reason) })),
    )
  }

  /** Sends a message. */
  send(data: Data): void {
    this.#ws.send(data)
  }

  /** Resolves with that many messages. */
  receive(count: number): Promise<readonly Data[]> {
    return new Promise(resolve => {
      this.#wanted = { count, resolve }
      this.#resolve_wanted()
    })
  }

  /** Stops reading. */
  stop_reading(): void {
    this.#ws.pause()
  }

  /** Reads again. */
  resume_reading(): void {
    this.#ws.resume()
  }

  /** Sends a Close. */
  close(code?: number, reason?: string): void {
    this.#ws.close(code, reason)
  }

  /** Ends the connection without a Close. */
  drop(): void {
    this.#ws.terminate()
  }

  /** Resolves with the Close that was received. */
  closed(): Promise<Pick<CloseInfo, 'code' | 'reason'>> {
    return this.#closed
  }

  #add(data: Data): void {
    this.#arrived.push(data)
    this.#resolve_wanted()
  }

  #resolve_wanted(): void {
    const wanted = this.#wanted
    if (wanted === undefined || this.#arrived.length < wanted.count) return
    this.#wanted = undefined
    wanted.resolve(this.#arrived.splice(0, wanted.count))
  }
}
