// A WebSocket in a Web Worker. The worker can process messages without blocking the rendering of the page,
// and a busy page does not block the connection. worker_client.ts is the page's side.
//
// `postMessage` has no limit and no backpressure. So the worker posts messages in lists, one list at a time,
// and the page confirms each list. The worker also confirms each message of the page when the queue has
// accepted it, so that a page that awaits `send` is slowed down.
import { connect, type ReconnectInfo, type WsClient } from '@bt/net'

/** A message from the page. The worker answers a `send` with the same number. */
export type ToWorker =
  | { readonly type: 'connect'; readonly url: string }
  | { readonly type: 'send'; readonly number: number; readonly data: string }
  | { readonly type: 'taken' }
  | { readonly type: 'close' }

/** A message from the worker. */
export type ToPage =
  | { readonly type: 'open' }
  | { readonly type: 'reconnecting'; readonly delay_ms: number }
  | { readonly type: 'messages'; readonly list: readonly string[] }
  /** The answer to `send`: with `error`, the message was not sent. */
  | { readonly type: 'sent'; readonly number: number; readonly error?: string }
  | { readonly type: 'error'; readonly message: string }
  /** The last message: the connection has ended. */
  | { readonly type: 'closed'; readonly code: number; readonly reason: string }

/**
 * How many messages may wait for the page here. Further messages wait in the client, which closes the
 * connection with an error when they exceed 16 MiB.
 */
const MAX_WAITING = 1_000

let client: WsClient | undefined
/** The next list for the page, which is posted when the page has confirmed the last one. */
let waiting: string[] = []
let is_page_busy = false
let page_is_free: (() => void) | undefined
/** Resolves when the queue has accepted all messages of the page so far, which keep their order. */
let sending = Promise.resolve()

function post(message: ToPage): void {
  self.postMessage(message)
}

function post_messages(): void {
  if (is_page_busy || waiting.length === 0) return
  is_page_busy = true
  post({ type: 'messages', list: waiting })
  waiting = []
  page_is_free?.()
}

function open_client(url: string): WsClient {
  return connect({
    type: 'ws',
    url,
    reconnect: true,
    on_open: () => post({ type: 'open' }),
    on_reconnecting: ({ delay_ms }: ReconnectInfo) => post({ type: 'reconnecting', delay_ms }),
    on_message: data => {
      waiting.push(data)
      post_messages()
      if (waiting.length < MAX_WAITING) return
      return new Promise<void>(resolve => {
        page_is_free = resolve
      })
    },
    // Called after the last message, but some messages may still wait for the page.
    on_close: ({ code, reason }) => {
      if (waiting.length > 0) post({ type: 'messages', list: waiting })
      post({ type: 'closed', code, reason })
      self.close()
    },
    // `send` below handles a full queue.
    on_error: err => err.code !== 'queue_full' && post({ type: 'error', message: err.message }),
  })
}

/** Sends a message as soon as the queue has room, and answers the page. */
async function send(ws: WsClient, number: number, data: string): Promise<void> {
  try {
    for (;;) {
      const sent = ws.send(data)
      if (sent === true) return post({ type: 'sent', number })
      if (sent.code !== 'queue_full') throw sent
      // It rejects if earlier messages are lost. `on_error` reports those, and this one can still be sent.
      await ws.drained().catch(() => {})
    }
  } catch (err) {
    post({ type: 'sent', number, error: err instanceof Error ? err.message : String(err) })
  }
}

self.onmessage = ({ data: message }: MessageEvent<ToWorker>) => {
  switch (message.type) {
    case 'connect':
      client ??= open_client(message.url)
      return
    case 'send': {
      const { number, data } = message
      sending = sending.then(async () => {
        if (client === undefined) post({ type: 'sent', number, error: 'connect first' })
        else await send(client, number, data)
      })
      return
    }
    case 'taken':
      is_page_busy = false
      post_messages()
      return
    case 'close':
      // All messages of the page are sent first.
      sending.then(() => client?.close())
  }
}
