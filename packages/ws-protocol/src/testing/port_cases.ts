import type { CloseInfo } from '../connection/close_info.js'
import { Connection, type ConnectionEvents, type ConnectionSettings } from '../connection/connection.js'
import type { Platform } from '../connection/platform.js'
import type { Runnable, SocketPort } from '../connection/socket_port.js'
import { NetError } from '../errors/errors.js'
import { check_options } from '../options/option_rule.js'
import { connection_rules } from '../options/options.js'
import type { Batch } from '../queues/batch.js'

type Data = string | Uint8Array

/** A peer in another process returns promises. */
type Done = void | Promise<void>

/** The peer of a port under test: a WebSocket of any implementation, controlled by the case. */
export interface PortPeer {
  /** Sends a message. */
  send(data: Data): Done
  /** Resolves with the next `count` messages when they have arrived. */
  receive(count: number): Promise<readonly Data[]>
  /** Stops reading from its socket, so that messages to it pile up. */
  stop_reading(): Done
  /** Resumes reading. */
  resume_reading(): Done
  /** Starts the closing handshake; without a code, its Close is empty. */
  close(code?: number, reason?: string): Done
  /** Ends the socket without a Close. */
  drop(): Done
  /** Resolves with the code and reason that this peer sees when the WebSocket has ended. */
  closed(): Promise<Pick<CloseInfo, 'code' | 'reason'>>
}

/** Opens ports of one kind for the cases. */
export interface PortHarness {
  /** The platform that the port belongs to. */
  readonly platform: Platform
  /** Which side the port is on. */
  readonly side: 'client' | 'server'
  /** Opens a WebSocket between a new port, which is attached to `connection`, and a peer. */
  open(connection: Connection<null>, attach: (port: SocketPort) => void): Promise<PortPeer>
  /**
   * Returns the code that the peer sees if the connection closes with a code of the protocol. If left out, it
   * is the same.
   */
  seen_by_peer?(code: number): number
}

/** A requirement of every port. */
export interface PortCase {
  /** The requirement, as a fact. */
  readonly name: string
  /** Tests the requirement; rejects if it is not met. */
  run(harness: PortHarness): Promise<void>
}

/** The user of a connection under test, which records its events. */
export class PortListener implements ConnectionEvents<null> {
  /** The received messages. */
  readonly received: Data[] = []
  /** The reported errors. */
  readonly errors: NetError[] = []
  /** The reason why the connection ended, if known. */
  end_error: NetError | undefined
  /** The further behaviour of `on_message`, whose result it returns. */
  on_data: (data: Data) => unknown = () => undefined
  #wanted: { readonly count: number; readonly resolve: () => void } | undefined

  /** Does nothing. */
  on_open(): void {}
  /** Does nothing. */
  on_close(): void {}
  /** Does nothing. */
  opened(): void {}

  /** Records why the connection ended. */
  ended(_handle: null, _info: CloseInfo, error: NetError | undefined): void {
    this.end_error = error
  }

  /** Records a message. */
  on_message(_handle: null, data: Data): unknown {
    this.received.push(data)
    const returned = this.on_data(data)
    if (this.#wanted !== undefined && this.received.length >= this.#wanted.count) this.#wanted.resolve()
    return returned
  }

  /** Records an error. */
  report(_handle: null, error: NetError): void {
    this.errors.push(error)
  }

  /** Resolves when `count` messages have arrived. */
  has(count: number): Promise<void> {
    if (this.received.length >= count) return Promise.resolve()
    return new Promise(resolve => {
      this.#wanted = { count, resolve }
    })
  }
}

/** A wrapper of a port with a promise for when it is paused. */
class WatchedPort implements SocketPort {
  readonly paused: Promise<void>
  readonly #port: SocketPort
  #was_paused!: () => void

  constructor(port: SocketPort) {
    this.#port = port
    this.paused = new Promise(resolve => {
      this.#was_paused = resolve
    })
  }

  get is_writable(): boolean {
    return this.#port.is_writable
  }

  get takes_batch(): boolean {
    return this.#port.takes_batch
  }

  get is_close_sent(): boolean {
    return this.#port.is_close_sent
  }

  get unsent(): number {
    return this.#port.unsent
  }

  get buffered_bytes(): number {
    return this.#port.buffered_bytes
  }

  write(batch: Batch): void {
    this.#port.write(batch)
  }

  close(code: number, reason: string): void {
    this.#port.close(code, reason)
  }

  terminate(): void {
    this.#port.terminate()
  }

  signs_of_life(): number {
    return this.#port.signs_of_life()
  }

  ping(): void {
    this.#port.ping()
  }

  pause(): void {
    this.#port.pause()
    this.#was_paused()
  }

  resume(): void {
    this.#port.resume()
  }

  may_run(inbox: Runnable): boolean {
    return this.#port.may_run?.(inbox) ?? true
  }
}

interface Opened {
  readonly connection: Connection<null>
  readonly listener: PortListener
  readonly peer: PortPeer
  readonly port: WatchedPort
}

const DEFAULTS = { ...check_options('connection', {}, connection_rules), binary: true }

async function open(harness: PortHarness, changed: Partial<ConnectionSettings> = {}): Promise<Opened> {
  const listener = new PortListener()
  const settings = { ...DEFAULTS, side: harness.side, ...changed }
  const connection = new Connection<null>(settings, listener, harness.platform, () => null)
  let watched!: WatchedPort
  const peer = await harness.open(connection, port => {
    watched = new WatchedPort(port)
    connection.attach(watched)
  })
  return { connection, listener, peer, port: watched }
}

function same(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [actual, expected].map(value => JSON.stringify(value))
  if (got !== wanted) throw new Error(`${what}: got ${got?.slice(0, 200)}, expected ${wanted?.slice(0, 200)}`)
}

/** Sends numbered messages until the queue is full; returns how many were accepted. */
function fill(connection: Pick<Connection<null>, 'send'>, size: number): number {
  for (let count = 0; ; count += 1) {
    const result = connection.send(numbered(count, size))
    if (result === true) continue
    same(result.code, 'queue_full', 'what send returned')
    return count
  }
}

function numbered(index: number, size: number): string {
  return String(index).padEnd(size, '.')
}

async function receives_numbered(peer: PortPeer, count: number, size: number): Promise<void> {
  const expected = Array.from({ length: count }, (_, index) => numbered(index, size))
  same(await peer.receive(count), expected, 'messages of the peer')
}

/** Sends a message that takes long to compress, and waits until it is passed to the port. */
async function send_noise(
  connection: Pick<Connection<null>, 'send'>,
  { platform }: Pick<PortHarness, 'platform'>,
): Promise<void> {
  same(connection.send(NOISE.subarray(0, 1_048_576)), true, 'send')
  await new Promise<void>(resolve => platform.defer(resolve))
}

async function receives_noise(peer: PortPeer): Promise<void> {
  const [got] = (await peer.receive(1)) as [Uint8Array]
  same(got.length, 1_048_576, 'the size of the message')
  same(
    got.every((byte, index) => byte === NOISE[index]),
    true,
    'the message is unchanged',
  )
}

async function ends(
  connection: Pick<Connection<null>, 'closed'>,
  expected: Partial<CloseInfo>,
): Promise<void> {
  const info = await connection.closed
  const relevant = Object.fromEntries(Object.keys(expected).map(key => [key, info[key as keyof CloseInfo]]))
  same(relevant, expected, 'the ending')
}

/**
 * Codes that a Close may carry (RFC 6455 §7.4): the registered ones, and samples of the ranges for libraries
 * and applications.
 */
const CLOSE_CODES = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3003, 3999, 4000, 4003, 4008,
  4009, 4999,
]

/**
 * A message larger than all buffers of the kernels, so that a Close behind it has to wait, even if the
 * message is still being compressed when the peer closes. Its repetition is farther apart than the window of
 * compression (RFC 7692 §7.1.2), so it stays as large.
 */
const NOISE: Uint8Array = repeated(
  Uint8Array.from({ length: 65_536 }, () => Math.random() * 256),
  256,
)

function repeated(block: Uint8Array, count: number): Uint8Array {
  const bytes = new Uint8Array(block.length * count)
  for (let index = 0; index < count; index += 1) bytes.set(block, index * block.length)
  return bytes
}

/** Runs a function for all values concurrently. */
async function for_each<Value>(
  values: readonly Value[],
  run: (value: Value) => Promise<void>,
): Promise<void> {
  await Promise.all(values.map(run))
}

/**
 * Closes both sides at the same time: the peer does not read this side's Close before it has sent its own.
 */
async function close_at_once(peer: PortPeer, close: () => void, code: number): Promise<void> {
  await peer.stop_reading()
  close()
  await peer.close(code, 'mine')
  await peer.resume_reading()
}

/**
 * The requirements of every port, to be tested with real sockets of each kind. Each case is named after a
 * fact, and fails by rejecting.
 */
export const port_cases: readonly PortCase[] = [
  {
    name: 'text of any script or size, even empty, arrives on both sides',
    async run(harness) {
      const { connection, listener, peer } = await open(harness)
      const texts = [
        'hello',
        '',
        '你好，世界',
        '👋🏽 é',
        'x'.repeat(125),
        'y'.repeat(126),
        'z'.repeat(65_536),
      ]
      for (const text of texts) {
        connection.send(text)
        peer.send(text)
      }
      same(await peer.receive(texts.length), texts, 'messages of the peer')
      await listener.has(texts.length)
      same(listener.received, texts, 'messages of the port')
      connection.close()
      await connection.closed
    },
  },
  {
    name: 'bytes arrive on both sides, and are copied when they are sent',
    async run(harness) {
      const { connection, listener, peer } = await open(harness)
      const bytes = Uint8Array.from({ length: 300 }, (_, index) => index)
      const sent = bytes.slice()
      connection.send(sent)
      sent.fill(0)
      peer.send(bytes)
      const [got] = (await peer.receive(1)) as [Uint8Array]
      same(Array.from(got), Array.from(bytes), 'the message of the peer')
      await listener.has(1)
      const [received] = listener.received as [Uint8Array]
      same(received.constructor.name, 'Uint8Array', 'the class of bytes')
      same(Array.from(received), Array.from(bytes), 'the message of the port')
      connection.close()
      await connection.closed
    },
  },
  {
    name: 'a message of 1 MiB arrives on both sides',
    async run(harness) {
      const { connection, listener, peer } = await open(harness)
      const large = '0123456789abcdef'.repeat(65_536)
      connection.send(large)
      peer.send(large)
      same((await peer.receive(1))[0] === large, true, 'the peer got it whole')
      await listener.has(1)
      same(listener.received[0] === large, true, 'the port got it whole')
      connection.close()
      await connection.closed
    },
  },
  {
    name: 'a burst of 5,000 messages in one turn arrives whole and in order',
    async run(harness) {
      const { connection, peer } = await open(harness)
      for (let index = 0; index < 5_000; index += 1) same(connection.send(numbered(index, 64)), true, 'send')
      await receives_numbered(peer, 5_000, 64)
      connection.close()
      await connection.closed
    },
  },
  {
    name: 'a peer that stops reading fills the queue, and gets all messages in order when it resumes',
    async run(harness) {
      const { connection, listener, peer } = await open(harness, { max_queue: 262_144 })
      await peer.stop_reading()
      const accepted = fill(connection, 16_384)
      same(
        listener.errors.map(error => error.code),
        ['queue_full'],
        'errors',
      )
      same(
        connection.queued > 262_144 - 17_000 && connection.queued <= 262_144,
        true,
        `queued, ${connection.queued},`,
      )
      const drained = connection.drained()
      peer.resume_reading()
      await receives_numbered(peer, accepted, 16_384)
      await drained
      same(connection.queued, 0, 'queued when drained')
      connection.close()
      await connection.closed
    },
  },
  {
    name: 'close sends queued messages first, then code and reason, and is clean',
    async run(harness) {
      const { connection, peer } = await open(harness)
      for (let index = 0; index < 100; index += 1) connection.send(numbered(index, 1_000))
      connection.close(4_000, 'genug für heute')
      await receives_numbered(peer, 100, 1_000)
      same(await peer.closed(), { code: 4_000, reason: 'genug für heute' }, 'the ending for the peer')
      await ends(connection, { code: 4_000, cause: 'local', clean: true, unsent: 0 })
    },
  },
  {
    name: 'the code and reason of the peer’s Close arrive after its messages',
    async run(harness) {
      const { connection, listener, peer } = await open(harness)
      peer.send('last')
      peer.close(4_001, '再见')
      await ends(connection, { code: 4_001, reason: '再见', cause: 'peer', clean: true })
      same(listener.received, ['last'], 'messages of the port')
    },
  },
  {
    name: 'every code of the peer arrives unchanged if the peer closes first',
    async run(harness) {
      await for_each(CLOSE_CODES, async code => {
        const { connection, peer } = await open(harness)
        await peer.close(code, 'mine')
        await ends(connection, { code, reason: 'mine', cause: 'peer', clean: true })
      })
    },
  },
  {
    name: 'a Close of the peer without a code is reported as 1005',
    async run(harness) {
      const { connection, peer } = await open(harness)
      await peer.close()
      await ends(connection, { code: 1005, reason: '', cause: 'peer', clean: true })
    },
  },
  {
    name: 'every code of the peer arrives unchanged if both sides close at once',
    async run(harness) {
      await for_each(CLOSE_CODES, async code => {
        const { connection, peer } = await open(harness)
        await close_at_once(peer, () => connection.close(code === 1000 ? 4003 : 1000, 'own'), code)
        await ends(connection, { code, reason: 'mine', cause: 'local', clean: true })
      })
    },
  },
  {
    name: 'a code of this side from 3000 on reaches the peer, and is reported when the peer answers it',
    async run(harness) {
      const own_codes = CLOSE_CODES.filter(code => code === 1000 || code >= 3000)
      await for_each(own_codes, async code => {
        const { connection, peer } = await open(harness)
        connection.close(code, 'own')
        same(await peer.closed(), { code, reason: 'own' }, 'the ending for the peer')
        await ends(connection, { code, cause: 'local', clean: true })
      })
    },
  },
  {
    name: 'the code of the peer is reported even if this side closes at once because of a failure',
    async run(harness) {
      await for_each([1000, 3000, 4000, 4999], async code => {
        const { connection, listener, peer } = await open(harness)
        await close_at_once(
          peer,
          () => connection.socket_failed(new NetError('protocol_error', 'broken'), 1002),
          code,
        )
        await ends(connection, { code, reason: 'mine', cause: 'protocol', clean: true })
        same(listener.errors.length, 1, 'errors')
      })
    },
  },
  {
    name: 'a Close of the peer is not clean while this side’s waits behind unread messages',
    async run(harness) {
      const { connection, peer } = await open(harness, { max_queue: 67_108_864, close_timeout: 20 })
      await peer.stop_reading()
      while (connection.send(NOISE) === true);
      await peer.close(4_000, '')
      await ends(connection, { code: 4_000, cause: 'peer', clean: false })
      same((await connection.closed).unsent > 0, true, 'something is unsent')
      peer.drop()
    },
  },
  {
    name: 'a message that is still being compressed reaches the peer before the Close of a failure',
    async run(harness) {
      const { connection, peer } = await open(harness)
      await send_noise(connection, harness)
      connection.socket_failed(new NetError('protocol_error', 'broken'), 1002)
      await receives_noise(peer)
      same((await peer.closed()).code, harness.seen_by_peer?.(1002) ?? 1002, 'the code for the peer')
      await ends(connection, { cause: 'protocol', unsent: 0 })
    },
  },
  {
    name: 'a message that is still being compressed reaches the peer before the answer to its Close',
    async run(harness) {
      const { connection, peer } = await open(harness)
      await send_noise(connection, harness)
      const is_closed = peer.close(4_000, '')
      await receives_noise(peer)
      await is_closed
      await ends(connection, { code: 4_000, cause: 'peer', clean: true, unsent: 0 })
    },
  },
  {
    name: 'an end without a Close is reported as 1006 with the cause network, and counts unsent messages',
    async run(harness) {
      // The queue is larger than all buffers of kernels and browsers.
      const { connection, peer } = await open(harness, { max_queue: 67_108_864 })
      await peer.stop_reading()
      fill(connection, 1_048_576)
      await peer.drop()
      await ends(connection, { code: 1006, cause: 'network', clean: false })
      same((await connection.closed).unsent > 0, true, 'something is unsent')
    },
  },
  {
    name: 'a binary message closes with 1003 if only text is accepted',
    async run(harness) {
      const { connection, listener, peer } = await open(harness, { binary: false })
      peer.send(new Uint8Array(3))
      same((await peer.closed()).code, harness.seen_by_peer?.(1003) ?? 1003, 'the code for the peer')
      await ends(connection, { code: 1003, cause: 'protocol' })
      same(
        listener.errors.map(error => error.code),
        ['unexpected_binary'],
        'errors',
      )
    },
  },
  {
    name: 'messages wait for a slow callback, and the port is paused',
    async run(harness) {
      const { connection, listener, peer, port } = await open(harness)
      let release: () => void = () => {}
      const first = new Promise<void>(resolve => {
        release = resolve
      })
      listener.on_data = data => (data === numbered(0, 4_096) ? first : undefined)
      for (let index = 0; index < 1_000; index += 1) peer.send(numbered(index, 4_096))
      await port.paused
      same(listener.received.length, 1, 'delivered messages')
      release()
      await listener.has(1_000)
      same(
        listener.received.every((data, index) => data === numbered(index, 4_096)),
        true,
        'all in order',
      )
      connection.close()
      await connection.closed
    },
  },
  {
    name: 'close reaches the peer even if the port is paused for a callback that never ends',
    async run(harness) {
      const { connection, listener, peer, port } = await open(harness)
      listener.on_data = () => new Promise(() => {})
      for (let index = 0; index < 200; index += 1) peer.send(numbered(index, 4_096))
      await port.paused
      connection.close()
      same((await peer.closed()).code, 1000, 'the code for the peer')
    },
  },
  {
    name: 'the connection ends after close_timeout if the peer does not answer a Close',
    async run(harness) {
      const { connection, peer } = await open(harness, { close_timeout: 20 })
      await peer.stop_reading()
      connection.close()
      await ends(connection, { code: 1006, cause: 'local', clean: false })
      peer.drop()
    },
  },
]
