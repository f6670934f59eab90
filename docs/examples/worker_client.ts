// The page's side of socket_worker.ts: a connection that lives in a Web Worker.
//
//   const socket = connect_in_worker('wss://example.com/live', {
//     on_messages: async list => { await show(list) },   // the next list comes when this is done
//   })
//   await socket.send('hello')                           // settles when there was room for it
import type { ToPage, ToWorker } from './socket_worker.ts'

/** What is called as things happen. */
export interface WorkerSocketOptions {
  /** Messages, in order: all that have come since the last call was done. Where it returns a promise, that is awaited. */
  readonly on_messages: (list: readonly string[]) => void | Promise<void>
  readonly on_open?: () => void
  readonly on_reconnecting?: (delay_ms: number) => void
  /** The last call: the connection is over. */
  readonly on_close?: (code: number, reason: string) => void
  readonly on_error?: (message: string) => void
}

/** A connection in a worker. */
export interface WorkerSocket {
  /** Sends a message. Settles when the queue has taken it; rejects where it never will. */
  send(data: string): Promise<void>
  /** Closes when all that was sent is out; `on_close` tells when. */
  close(): void
}

interface Sender {
  resolve(): void
  reject(err: Error): void
}

/** Starts a worker, and connects in it; it comes back by itself until it is closed. */
export function connect_in_worker(url: string, options: WorkerSocketOptions): WorkerSocket {
  const { on_messages, on_open, on_reconnecting, on_close, on_error = console.warn } = options
  // Bundlers find the worker by this very expression.
  const worker = new Worker(new URL('./socket_worker.ts', import.meta.url), { type: 'module' })
  const senders = new Map<number, Sender>()
  let last_number = 0
  /** One call of `on_messages` after the other. */
  let showing = Promise.resolve()

  /** Why it is over, once it is: no answer comes any more. */
  let ended: Error | undefined

  const ask = (asked: ToWorker): void => worker.postMessage(asked)
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
      .then(() => ask({ type: 'taken' }))
  }
  const settle = (number: number, error: string | undefined): void => {
    const sender = senders.get(number)
    senders.delete(number)
    if (error === undefined) sender?.resolve()
    else sender?.reject(new Error(error))
  }

  worker.onmessage = ({ data: told }: MessageEvent<ToPage>) => {
    switch (told.type) {
      case 'messages':
        return show(told.list)
      case 'sent':
        return settle(told.number, told.error)
      case 'open':
        return on_open?.()
      case 'reconnecting':
        return on_reconnecting?.(told.delay_ms)
      case 'error':
        return on_error(told.message)
      case 'closed':
        // Behind the messages that came before it.
        showing = showing.then(() => end(told.code, told.reason)).catch(reportError)
    }
  }
  // It was not loaded, or has thrown: nothing comes from it any more.
  worker.onerror = event => {
    worker.terminate()
    on_error(event.message)
    end(1006, 'the worker failed')
  }
  ask({ type: 'connect', url })

  return {
    send: data =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended)
        last_number += 1
        senders.set(last_number, { resolve, reject })
        ask({ type: 'send', number: last_number, data })
      }),
    close: () => ask({ type: 'close' }),
  }
}
