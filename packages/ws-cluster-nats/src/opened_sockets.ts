import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** The diagnostics channel on which Node announces each client socket. */
const CHANNEL = 'net.client.socket'

/**
 * Tracks the sockets that a task opens, and destroys them when it fails or on request. NATS's client leaves
 * its socket open if the peer accepts the connection and then sends nothing, and it offers no handle to that
 * socket.
 */
export class OpenedSockets {
  readonly #sockets = new Set<Socket>()
  readonly #task_context = new AsyncLocalStorage<true>()
  #is_destroyed = false

  /** Runs the task, and tracks its sockets until it is done. */
  async track<Result>(task: () => Promise<Result>): Promise<Result> {
    subscribe(CHANNEL, this.#on_opened)
    try {
      return await this.#task_context.run(true, task)
    } catch (error) {
      this.destroy()
      throw error
    } finally {
      unsubscribe(CHANNEL, this.#on_opened)
      // An active AsyncLocalStorage slows down every promise of the process.
      this.#task_context.disable()
      this.#sockets.clear()
    }
  }

  /** Destroys the sockets, including any that the task opens later. */
  destroy(): void {
    this.#is_destroyed = true
    for (const socket of this.#sockets) socket.destroy()
  }

  readonly #on_opened = (message: unknown): void => {
    if (this.#task_context.getStore() === undefined) return
    const { socket } = message as { readonly socket: Socket }
    this.#sockets.add(socket)
    // Node announces a socket before it connects, and connecting would undo an earlier `destroy`.
    if (this.#is_destroyed) process.nextTick(() => socket.destroy())
  }
}
