import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** Where Node tells of each socket that is made to connect. */
const CHANNEL = 'net.client.socket'

/**
 * The sockets that a task opens, which are destroyed when it fails, or is told to. NATS's client leaves its socket open when it has connected to
 * somebody who then says nothing, and gives nobody a handle on it.
 */
export class OpenedSockets {
  readonly #sockets = new Set<Socket>()
  readonly #here = new AsyncLocalStorage<true>()
  #is_destroyed = false

  /** Runs the task, and knows its sockets until it is done. */
  async during<Result>(task: () => Promise<Result>): Promise<Result> {
    subscribe(CHANNEL, this.#opened)
    try {
      return await this.#here.run(true, task)
    } catch (error) {
      this.destroy()
      throw error
    } finally {
      unsubscribe(CHANNEL, this.#opened)
      // What follows a task through its promises has its price for every promise of the process.
      this.#here.disable()
      this.#sockets.clear()
    }
  }

  /** Destroys them, and those that are opened from now on. */
  destroy(): void {
    this.#is_destroyed = true
    for (const socket of this.#sockets) socket.destroy()
  }

  readonly #opened = (message: unknown): void => {
    if (this.#here.getStore() === undefined) return
    const { socket } = message as { readonly socket: Socket }
    this.#sockets.add(socket)
    // It has not begun to connect, which would undo a destroy.
    if (this.#is_destroyed) process.nextTick(() => socket.destroy())
  }
}
