// The page's side of socket_worker.ts: a connection that lives in a Web Worker.
//
//   const socket = connect_in_worker('wss://example.com/live', {
//     on_messages: async list => { await show(list) },   // the next call waits for this promise
//   })
//   await socket.send('hello')                           // resolves when the queue has room
import type { ToPage, ToWorker } from './socket_worker.ts'

/** The callbacks of a connection. */
export interface WorkerSocketOptions {
  /** Called with all messages since the last call, in order. The next call waits for the returned promise. */
  readonly on_messages: (list: readonly string[]) => void | Promise<void>
  readonly on_open?: () => void
  readonly on_reconnecting?: (delay_ms: number) => void
  /** Called last, when the connection has ended. */
  readonly on_close?: (code: number, reason: string) => void
  readonly on_error?: (message: string) => void
}

/** A connection in a worker. */
export interface WorkerSocket {
  /** Sends a message. Resolves when the queue has accepted it, and rejects if it cannot be sent. */
  send(data: string): Promise<void>
  /** Closes the connection after all messages are sent. `on_close` is called when it has ended. */
  close(): void
}

interface Sender {
  resolve(): void
  reject(err: Error): void
}

/** Connects in a new worker. The connection reconnects by itself until it is closed. */
export function connect_in_worker(url: string, options: WorkerSocketOptions): WorkerSocket {
  const { on_messages, on_open, on_reconnecting, on_close, on_error = console.warn } = options
  // Bundlers recognize a worker by exactly this expression.
  const worker = new Worker(new URL('./socket_worker.ts', import.meta.url), { type: 'module' })
  const senders = new Map<number, Sender>()
  let last_number = 0
  /** Runs the calls of `on_messages` one after the other. */
  let showing = Promise.resolve()

  /** The error for later calls of `send`, once the connection has ended. */
  let ended: Error | undefined

  const post = (message: ToWorker): void => worker.postMessage(message)
  const end = (code: number, reason: string): void => {
    ended = new Error(`the connection has ended: ${code} ${reason}`.trim())
    for (const { reject } of senders.values()) reject(ended)
    senders.clear()
    on_close?.(code, reason)
  }
  const show = (list: readonly string[]): void => {
    showing = showing
      .then(() => on_messages(list))
      .catch(reportError)
      .then(() => post({ type: 'taken' }))
  }
  const settle = (number: number, error: string | undefined): void => {
    const sender = senders.get(number)
    senders.delete(number)
    if (error === undefined) sender?.resolve()
    else sender?.reject(new Error(error))
  }

  worker.onmessage = ({ data: message }: MessageEvent<ToPage>) => {
    switch (message.type) {
      case 'messages':
        return show(message.list)
      case 'sent':
        return settle(message.number, message.error)
      case 'open':
        return on_open?.()
      case 'reconnecting':
        return on_reconnecting?.(message.delay_ms)
      case 'error':
        return on_error(message.message)
      case 'closed':
        // After the messages that were received before it.
        showing = showing.then(() => end(message.code, message.reason)).catch(reportError)
    }
  }
  // The worker could not be loaded, or has thrown an error, so it sends nothing more.
  worker.onerror = event => {
    worker.terminate()
    on_error(event.message)
    end(1006, 'the worker failed')
  }
  post({ type: 'connect', url })

  return {
    send: data =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended)
        last_number += 1
        senders.set(last_number, { resolve, reject })
        post({ type: 'send', number: last_number, data })
      }),
    close: () => post({ type: 'close' }),
  }
}
