import type { CloseInfo } from '../connection/close_info.js'
import type { PortPeer } from './port_cases.js'

type Data = string | Uint8Array

/** What is used of a WebSocket of `ws`, so that no type of it is needed here. */
export interface WsLike {
  /** Registers for an event. */
  on(event: string, listener: (...args: never[]) => void): unknown
  /** Sends a message. */
  send(data: Data): void
  /** Stops reading. */
  pause(): void
  /** Reads again. */
  resume(): void
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void
  /** Ends the socket without a Close. */
  terminate(): void
}

/** The other end of a port under test, played by plain `ws`. */
export class WsPeer implements PortPeer {
  readonly #ws: WsLike
  readonly #arrived: Data[] = []
  readonly #closed: Promise<Pick<CloseInfo, 'code' | 'reason'>>
  #wanted: { readonly count: number; readonly resolve: (data: readonly Data[]) => void } | undefined

  constructor(ws: WsLike) {
    this.#ws = ws
    ws.on('error', () => {})
    ws.on('message', (data: Uint8Array, is_binary: boolean) =>
      this.#take(is_binary ? Uint8Array.from(data) : String(data)),
    )
    this.#closed = new Promise(resolve =>
      ws.on('close', (code: number, reason: Uint8Array) => resolve({ code, reason: String(reason) })),
    )
  }

  send(data: Data): void {
    this.#ws.send(data)
  }

  receive(count: number): Promise<readonly Data[]> {
    return new Promise(resolve => {
      this.#wanted = { count, resolve }
      this.#give()
    })
  }

  stop_reading(): void {
    this.#ws.pause()
  }

  go_on_reading(): void {
    this.#ws.resume()
  }

  close(code?: number, reason?: string): void {
    this.#ws.close(code, reason)
  }

  drop(): void {
    this.#ws.terminate()
  }

  closed(): Promise<Pick<CloseInfo, 'code' | 'reason'>> {
    return this.#closed
  }

  #take(data: Data): void {
    this.#arrived.push(data)
    this.#give()
  }

  #give(): void {
    const wanted = this.#wanted
    if (wanted === undefined || this.#arrived.length < wanted.count) return
    this.#wanted = undefined
    wanted.resolve(this.#arrived.splice(0, wanted.count))
  }
}
