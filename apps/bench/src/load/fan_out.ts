import { connect, type Socket } from 'node:net'
import { message_bytes, type Shape } from '../wire/message.js'
import type { ClientGroup, LoadResult } from './client_group.js'

/** What is asked of a server that sends one message to all. */
export interface FanOutTask {
  readonly shape: Shape
  /** How many messages it sends to all in one turn of its event loop. */
  readonly burst: number
  readonly run_ms: number
}

/** The connection by which a server is told to send to all: a byte is a burst. */
export class Trigger {
  readonly #tcp: Socket

  private constructor(tcp: Socket) {
    this.#tcp = tcp
  }

  static open(port: number): Promise<Trigger> {
    return new Promise((resolve, reject) => {
      const tcp = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(new Trigger(tcp)))
      tcp.on('error', reject)
    })
  }

  pull(): void {
    this.#tcp.write('!')
  }

  close(): void {
    this.#tcp.destroy()
  }
}

/** Has a server send to all sockets, again whenever all have got everything, until the time is over. A message to one socket counts as one. */
export function run_fan_out(
  group: ClientGroup,
  trigger: Trigger,
  { shape, burst, run_ms }: FanOutTask,
): Promise<LoadResult> {
  const each_bytes = message_bytes(shape, group.target.dialect, 'server').length * burst
  return new Promise((resolve, reject) => {
    const sockets = group.sockets.length
    let is_over = false
    let bursts = 0
    let waited_for = 0
    const start = performance.now()
    setTimeout(() => {
      is_over = true
    }, run_ms)
    const next = (): void => {
      waited_for = sockets
      bursts += 1
      trigger.pull()
    }
    for (const socket of group.sockets) {
      let bytes = 0
      socket.on_bytes = ({ length }) => {
        bytes += length
        if (bytes < each_bytes) return
        if (bytes > each_bytes) reject(new Error(`${bytes} bytes where a burst has ${each_bytes}`))
        bytes = 0
        waited_for -= 1
        if (waited_for > 0) return
        if (is_over) resolve({ messages: bursts * burst * sockets, elapsed_ms: performance.now() - start })
        else next()
      }
      void socket.closed.then(() => reject(new Error('a connection was closed during the fan-out')))
    }
    next()
  })
}
