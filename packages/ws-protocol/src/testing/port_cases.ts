import type { CloseInfo } from '../connection/close_info.js'
import { Connection, type ConnectionEvents, type ConnectionSettings } from '../connection/connection.js'
import type { Platform } from '../connection/platform.js'
import type { Runnable, SocketPort } from '../connection/socket_port.js'
import { NetError } from '../errors/errors.js'
import { check_options } from '../options/option_rule.js'
import { connection_rules } from '../options/options.js'
import type { Batch } from '../queues/batch.js'

type Data = string | Uint8Array

/** A peer in another process says when a call of it is done. */
type Done = void | Promise<void>

/** The other end of a port under test: a WebSocket of any make that the case plays. */
export interface PortPeer {
  /** Sends a message. */
  send(data: Data): Done
  /** The next messages, that many, when they have arrived. */
  receive(count: number): Promise<readonly Data[]>
  /** Stops reading from its socket, so that what is sent to it piles up. */
  stop_reading(): Done
  /** Reads again. */
  go_on_reading(): Done
  /** Starts the closing handshake; without a code, its Close is empty. */
  close(code?: number, reason?: string): Done
  /** Ends the socket without a Close. */
  drop(): Done
  /** How the WebSocket ended, as this end sees it. */
  closed(): Promise<Pick<CloseInfo, 'code' | 'reason'>>
}

/** What makes ports of one kind for the cases. */
export interface PortHarness {
  /** The platform that the port belongs to. */
  readonly platform: Platform
  /** Which side the port is on. */
  readonly side: 'client' | 'server'
  /** Opens a WebSocket between a port of this kind, which drives `connection`, and a peer. */
  open(connection: Connection<null>, attach: (port: SocketPort) => void): Promise<PortPeer>
  /** What the peer sees of a close code of the protocol that the port was asked to send: as a rule the same. */
  seen_by_peer?(code: number): number
}

/** One thing that every port must do. */
export interface PortCase {
  /** What holds, as a fact. */
  readonly name: string
  /** Tries it; rejects where it does not hold. */
  run(harness: PortHarness): Promise<void>
}

/** The user of a connection under test, who writes down what it is told. */
export class PortListener implements ConnectionEvents<null> {
  /** The messages. */
  readonly received: Data[] = []
  /** The errors that were reported. */
  readonly errors: NetError[] = []
  /** Why the connection ended, where that is known. */
  end_error: NetError | undefined
  /** What `on_message` does with a message besides. */
  on_data: (data: Data) => unknown = () => undefined
  #wanted: { readonly count: number; readonly resolve: () => void } | undefined

  on_open(): void {}
  on_close(): void {}
  opened(): void {}

  ended(_handle: null, _info: CloseInfo, error: NetError | undefined): void {
    this.end_error = error
  }

  on_message(_handle: null, data: Data): unknown {
    this.received.push(data)
    const returned = this.on_data(data)
    if (this.#wanted !== undefined && this.received.length >= this.#wanted.count) this.#wanted.resolve()
    return returned
  }

  report(_handle: null, error: NetError): void {
    this.errors.push(error)
  }

  /** Settles when that many messages have arrived. */
  has(count: number): Promise<void> {
    if (this.received.length >= count) return Promise.resolve()
    return new Promise(resolve => {
      this.#wanted = { count, resolve }
    })
  }
}

/** A port that says when it is paused, and is the one below it in everything else. */
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

/** Sends numbered messages until the queue is full; returns how many it took. */
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
  same(await peer.receive(count), expected, 'what the peer got')
}

/** Sends what takes long to compress, and waits until the port has it. */
async function send_noise(
  connection: Pick<Connection<null>, 'send'>,
  { platform }: Pick<PortHarness, 'platform'>,
): Promise<void> {
  same(connection.send(NOISE.subarray(0, 1_048_576)), true, 'send')
  await new Promise<void>(resolve => platform.defer(resolve))
}

async function receives_noise(peer: PortPeer): Promise<void> {
  const [got] = (await peer.receive(1)) as [Uint8Array]
  same(got.length, 1_048_576, 'how much the peer got')
  same(
    got.every((byte, index) => byte === NOISE[index]),
    true,
    'the peer got it as it was',
  )
}

async function ends(
  connection: Pick<Connection<null>, 'closed'>,
  expected: Partial<CloseInfo>,
): Promise<void> {
  const info = await connection.closed
  const relevant = Object.fromEntries(Object.keys(expected).map(key => [key, info[key as keyof CloseInfo]]))
  same(relevant, expected, 'how it ended')
}

/** The codes that a Close may carry (RFC 6455 §7.4): those of IANA's registry, and the ends of the ranges for libraries and applications. */
const CLOSE_CODES = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3003, 3999, 4000, 4003, 4008,
  4009, 4999,
]

/**
 * More in one message than kernels keep on the way, so that a Close behind it waits even if the message is still being compressed when the peer
 * closes. It repeats itself farther back than compression looks (RFC 7692 §7.1.2), and so stays as large as it is.
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

/** Tries all of them at the same time. */
async function for_each<Value>(
  values: readonly Value[],
  run: (value: Value) => Promise<void>,
): Promise<void> {
  await Promise.all(values.map(run))
}

/** Both sides close at the same time: the peer reads nothing of this side's Close before it has sent its own. */
async function close_at_once(peer: PortPeer, close: () => void, code: number): Promise<void> {
  await peer.stop_reading()
  close()
  await peer.close(code, 'mine')
  await peer.go_on_reading()
}

/** What every port must do, tried on real sockets of every kind. Each case names a fact and fails by rejecting. */
export const port_cases: readonly PortCase[] = [
  {
    name: 'text goes both ways, of every script, and empty',
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
      same(await peer.receive(texts.length), texts, 'what the peer got')
      await listener.has(texts.length)
      same(listener.received, texts, 'what the port got')
      connection.close()
      await connection.closed
    },
  },
  {
    name: 'bytes go both ways, and are copied when they are sent',
    async run(harness) {
      const { connection, listener, peer } = await open(harness)
      const bytes = Uint8Array.from({ length: 300 }, (_, index) => index)
      const sent = bytes.slice()
      connection.send(sent)
      sent.fill(0)
      peer.send(bytes)
      const [got] = (await peer.receive(1)) as [Uint8Array]
      same(Array.from(got), Array.from(bytes), 'what the peer got')
      await listener.has(1)
      const [received] = listener.received as [Uint8Array]
      same(received.constructor.name, 'Uint8Array', 'the class of bytes')
      same(Array.from(received), Array.from(bytes), 'what the port got')
      connection.close()
      await connection.closed
    },
  },
  {
    name: 'a message of 1 MiB goes both ways',
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
    name: 'a peer that stops reading fills the queue, and gets everything in order when it reads again',
    async run(harness) {
      const { connection, listener, peer } = await open(harness, { max_queue: 262_144 })
      await peer.stop_reading()
      const taken = fill(connection, 16_384)
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
      peer.go_on_reading()
      await receives_numbered(peer, taken, 16_384)
      await drained
      same(connection.queued, 0, 'queued when drained')
      connection.close()
      await connection.closed
    },
  },
  {
    name: 'close sends what waits first, then code and reason, and is clean',
    async run(harness) {
      const { connection, peer } = await open(harness)
      for (let index = 0; index < 100; index += 1) connection.send(numbered(index, 1_000))
      connection.close(4_000, 'genug für heute')
      await receives_numbered(peer, 100, 1_000)
      same(await peer.closed(), { code: 4_000, reason: 'genug für heute' }, 'what the peer saw')
      await ends(connection, { code: 4_000, cause: 'local', clean: true, unsent: 0 })
    },
  },
  {
    name: 'a Close of the peer tells its code and reason, behind its messages',
    async run(harness) {
      const { connection, listener, peer } = await open(harness)
      peer.send('last')
      peer.close(4_001, '再见')
      await ends(connection, { code: 4_001, reason: '再见', cause: 'peer', clean: true })
      same(listener.received, ['last'], 'what the port got')
    },
  },
  {
    name: 'every code of the peer arrives as it was sent, if the peer closes first',
    async run(harness) {
      await for_each(CLOSE_CODES, async code => {
        const { connection, peer } = await open(harness)
        await peer.close(code, 'mine')
        await ends(connection, { code, reason: 'mine', cause: 'peer', clean: true })
      })
    },
  },
  {
    name: 'a Close of the peer without a code is 1005',
    async run(harness) {
      const { connection, peer } = await open(harness)
      await peer.close()
      await ends(connection, { code: 1005, reason: '', cause: 'peer', clean: true })
    },
  },
  {
    name: 'every code of the peer arrives as it was sent, if both sides close at once',
    async run(harness) {
      await for_each(CLOSE_CODES, async code => {
        const { connection, peer } = await open(harness)
        await close_at_once(peer, () => connection.close(code === 1000 ? 4003 : 1000, 'own'), code)
        await ends(connection, { code, reason: 'mine', cause: 'local', clean: true })
      })
    },
  },
  {
    name: 'an own code from 3000 on that the peer answers arrives as it was sent',
    async run(harness) {
      const own_codes = CLOSE_CODES.filter(code => code === 1000 || code >= 3000)
      await for_each(own_codes, async code => {
        const { connection, peer } = await open(harness)
        connection.close(code, 'own')
        same(await peer.closed(), { code, reason: 'own' }, 'what the peer saw')
        await ends(connection, { code, cause: 'local', clean: true })
      })
    },
  },
  {
    name: 'the code of the peer also counts after this side had to close, if both close at once',
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
    name: 'a Close of the peer is not clean while this side’s waits behind what the peer does not read',
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
    name: 'what was sent before a failure of this side reaches the peer before its Close, though it is still being compressed',
    async run(harness) {
      const { connection, peer } = await open(harness)
      await send_noise(connection, harness)
      connection.socket_failed(new NetError('protocol_error', 'broken'), 1002)
      await receives_noise(peer)
      same((await peer.closed()).code, harness.seen_by_peer?.(1002) ?? 1002, 'what the peer saw')
      await ends(connection, { cause: 'protocol', unsent: 0 })
    },
  },
  {
    name: 'what was sent before a Close of the peer reaches it before the answer, though it is still being compressed',
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
    name: 'an end without a Close is 1006 of the network, and counts what was not sent',
    async run(harness) {
      // More than kernels and browsers keep on the way.
      const { connection, peer } = await open(harness, { max_queue: 67_108_864 })
      await peer.stop_reading()
      fill(connection, 1_048_576)
      await peer.drop()
      await ends(connection, { code: 1006, cause: 'network', clean: false })
      same((await connection.closed).unsent > 0, true, 'something is unsent')
    },
  },
  {
    name: 'a binary message that was not asked for closes with 1003',
    async run(harness) {
      const { connection, listener, peer } = await open(harness, { binary: false })
      peer.send(new Uint8Array(3))
      same((await peer.closed()).code, harness.seen_by_peer?.(1003) ?? 1003, 'what the peer saw')
      await ends(connection, { code: 1003, cause: 'protocol' })
      same(
        listener.errors.map(error => error.code),
        ['unexpected_binary'],
        'errors',
      )
    },
  },
  {
    name: 'what arrives while a callback is slow waits for it, and the port is paused',
    async run(harness) {
      const { connection, listener, peer, port } = await open(harness)
      let release: () => void = () => {}
      const first = new Promise<void>(resolve => {
        release = resolve
      })
      listener.on_data = data => (data === numbered(0, 4_096) ? first : undefined)
      for (let index = 0; index < 1_000; index += 1) peer.send(numbered(index, 4_096))
      await port.paused
      same(listener.received.length, 1, 'messages that were handed on')
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
    name: 'close reaches the peer though the port was paused for a callback that never ends',
    async run(harness) {
      const { connection, listener, peer, port } = await open(harness)
      listener.on_data = () => new Promise(() => {})
      for (let index = 0; index < 200; index += 1) peer.send(numbered(index, 4_096))
      await port.paused
      connection.close()
      same((await peer.closed()).code, 1000, 'what the peer saw')
    },
  },
  {
    name: 'a peer that does not answer a Close is ended after close_timeout',
    async run(harness) {
      const { connection, peer } = await open(harness, { close_timeout: 20 })
      await peer.stop_reading()
      connection.close()
      await ends(connection, { code: 1006, cause: 'local', clean: false })
      peer.drop()
    },
  },
]
