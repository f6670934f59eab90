// A WebSocket in a Web Worker: what is done with messages here, such as parsing them, does not hold up a page that is drawing, nor the other way
// round. worker_client.ts is the page's side of it.
//
// Between the two, `postMessage` has no bound and no backpressure of its own. So messages go to the page in lists, one list at a time: the page says
// when it has dealt with one. And what the page sends is answered when it was taken, so that whoever awaits the answer is slowed down.
import { connect, type ReconnectInfo, type WsClient } from '@bt/net'

/** What the page asks for. The number of a `send` comes back in its answer. */
export type ToWorker =
  | { readonly type: 'connect'; readonly url: string }
  | { readonly type: 'send'; readonly number: number; readonly data: string }
  | { readonly type: 'taken' }
  | { readonly type: 'close' }

/** What the worker tells the page. */
export type ToPage =
  | { readonly type: 'open' }
  | { readonly type: 'reconnecting'; readonly delay_ms: number }
  | { readonly type: 'messages'; readonly list: readonly string[] }
  /** `error` says why it was not sent; without, it is on its way. */
  | { readonly type: 'sent'; readonly number: number; readonly error?: string }
  | { readonly type: 'error'; readonly message: string }
  /** The last word: the connection is over. */
  | { readonly type: 'closed'; readonly code: number; readonly reason: string }

/** With so many waiting for the page, the next waits in the connection: there, 16 MiB are the bound, beyond which it closes and says so. */
const MAX_WAITING = 1_000

let client: WsClient | undefined
/** What the page is given when it has dealt with what it has. */
let waiting: string[] = []
let is_page_busy = false
let page_is_free: (() => void) | undefined
/** Settles when all was taken that the page has sent so far: one after the other, so that their order stays. */
let sending = Promise.resolve()

function tell(told: ToPage): void {
  self.postMessage(told)
}

function hand_over(): void {
  if (is_page_busy || waiting.length === 0) return
  is_page_busy = true
  tell({ type: 'messages', list: waiting })
  waiting = []
  page_is_free?.()
}

function open_client(url: string): WsClient {
  return connect({
    type: 'ws',
    url,
    reconnect: true,
    on_open: () => tell({ type: 'open' }),
    on_reconnecting: ({ delay_ms }: ReconnectInfo) => tell({ type: 'reconnecting', delay_ms }),
    on_message: data => {
      waiting.push(data)
      hand_over()
      if (waiting.length < MAX_WAITING) return
      return new Promise<void>(resolve => {
        page_is_free = resolve
      })
    },
    // Comes after the last message, but the page may still have to be given some.
    on_close: ({ code, reason }) => {
      if (waiting.length > 0) tell({ type: 'messages', list: waiting })
      tell({ type: 'closed', code, reason })
      self.close()
    },
    // A full queue is what `send` below waits for.
    on_error: err => err.code !== 'queue_full' && tell({ type: 'error', message: err.message }),
  })
}

/** Sends as soon as there is room, and answers the page. */
async function send(ws: WsClient, number: number, data: string): Promise<void> {
  try {
    for (;;) {
      const sent = ws.send(data)
      if (sent === true) return tell({ type: 'sent', number })
      if (sent.code !== 'queue_full') throw sent
      // It rejects if messages before this one are lost: those are reported to `on_error`, and this one can still go out.
      await ws.drained().catch(() => {})
    }
  } catch (err) {
    tell({ type: 'sent', number, error: err instanceof Error ? err.message : String(err) })
  }
}

self.onmessage = ({ data: asked }: MessageEvent<ToWorker>) => {
  switch (asked.type) {
    case 'connect':
      client ??= open_client(asked.url)
      return
    case 'send': {
      const { number, data } = asked
      sending = sending.then(async () => {
        if (client === undefined) tell({ type: 'sent', number, error: 'connect first' })
        else await send(client, number, data)
      })
      return
    }
    case 'taken':
      is_page_busy = false
      hand_over()
      return
    case 'close':
      // What was sent goes out first.
      sending.then(() => client?.close())
  }
}
