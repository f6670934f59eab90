import { isIPv6 } from 'node:net'
import { Duplex } from 'node:stream'

/** The address of one end of a connection, as `net.Socket` has it; a Unix socket has none. */
export interface StreamAddress {
  readonly host: string
  readonly port: number
}

/** The direction in which a stream sends. */
export interface Sending {
  /** Sends bytes, and calls `done` when they are in the buffer. */
  send(bytes: Buffer, done: () => void): void
  /** Ends the direction after all bytes. */
  end(): void
}

/** The direction from which a stream receives. */
export interface Receiving {
  /** The stream has room again. */
  resume(): void
  /** The stream takes nothing any more. */
  stop(): void
}

/** One end of a connection in memory: a stream that looks like a `net.Socket`. */
export class MemoryStream extends Duplex {
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  bytesRead = 0
  bytesWritten = 0
  #out: Sending | undefined
  #in: Receiving | undefined

  constructor(own: StreamAddress | undefined, peer: StreamAddress | undefined, may_be_half_open: boolean) {
    super({ allowHalfOpen: may_be_half_open })
    this.localAddress = own?.host
    this.localPort = own?.port
    this.remoteAddress = peer?.host
    this.remotePort = peer?.port
  }

  get remoteFamily(): string | undefined {
    return family_of(this.remoteAddress)
  }

  get localFamily(): string | undefined {
    return family_of(this.localAddress)
  }

  // What a real socket has besides, for the user's code that gets it with a request.

  address(): object {
    const { localAddress, localPort, localFamily } = this
    return localAddress === undefined ? {} : { address: localAddress, port: localPort, family: localFamily }
  }

  /** Does nothing: a test ends connections by its network. */
  setTimeout(): this {
    return this
  }

  /** Does nothing: every write is sent at once. */
  setNoDelay(): this {
    return this
  }

  /** Does nothing: nothing is lost on the way. */
  setKeepAlive(): this {
    return this
  }

  /** Does nothing: no connection in memory keeps the process running. */
  ref(): this {
    return this
  }

  /** Does nothing, like {@link MemoryStream.ref}. */
  unref(): this {
    return this
  }

  /** Starts to send on one lane, and to receive on the other. What was written before is sent now. */
  connect(out: Sending, into: Receiving): void {
    this.#out = out
    this.#in = into
    this.emit('connect')
  }

  override _read(): void {
    this.#in?.resume()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.bytesWritten += bytes.length
    if (this.#out === undefined) this.once('connect', () => this.#out?.send(bytes, done))
    else this.#out.send(bytes, done)
  }

  override _final(done: () => void): void {
    this.#out?.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#out?.end()
    this.#in?.stop()
    done(error)
  }
}

function family_of(address: string | undefined): string | undefined {
  return address && (isIPv6(address) ? 'IPv6' : 'IPv4')
}
