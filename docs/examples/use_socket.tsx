// A React hook for a WebSocket, for React 18 and later.
//
//   function Prices() {
//     const [prices, set_prices] = useState<readonly number[]>([])
//     const { status, send } = useSocket('wss://example.com/prices', data => {
//       // Several messages may arrive between two renders, so this starts from `before`.
//       set_prices(before => [...before.slice(-99), read_price(data)])
//     })
//     …
//
// Components with the same URL share one connection, which reconnects by itself. It is opened when the first
// of them is mounted, and closed after the last one is unmounted. `on_message` is called for every message,
// in order; if the hook returned the last message instead, messages between two renders would be lost.
// Messages that are sent while it connects are queued.
import { type CloseInfo, connect, NetError, type Sendable, type WsClient } from '@bt/net'
import { useCallback, useEffect, useLayoutEffect, useRef, useSyncExternalStore } from 'react'

/** The state of the connection. */
export type SocketStatus =
  | { readonly name: 'connecting' | 'open' }
  /** The connection was lost, or could not be opened. The next attempt starts in `delay_ms`. */
  | { readonly name: 'reconnecting'; readonly delay_ms: number }
  /** The connection has ended for good: it was refused, or closed with a code that forbids reconnecting. */
  | { readonly name: 'closed'; readonly info: CloseInfo }

/** The result of {@link useSocket}. `send` changes only with the URL. */
export interface Socket {
  readonly status: SocketStatus
  /** Like `send` of the client: returns `true`, or an error if the message was not accepted. */
  readonly send: (data: Sendable) => true | NetError
}

/** Connects to a URL while the component is mounted, and calls `on_message` for each message. */
export function useSocket(url: string, on_message: (data: string) => void): Socket {
  // Each render creates a new `on_message`. Messages go to that of the last committed render with their URL.
  const latest = useRef({ url, on_message })
  useLayoutEffect(() => {
    latest.current = { url, on_message }
  })
  const subscribe = useCallback((changed: () => void) => subscribe_to(url, { changed }), [url])
  const status = useSyncExternalStore(
    subscribe,
    () => connections.get(url)?.status ?? CONNECTING,
    () => CONNECTING,
  )
  useEffect(() => {
    const message = (data: string): void => {
      if (latest.current.url === url) latest.current.on_message(data)
    }
    return subscribe_to(url, { message })
  }, [url])
  const send = useCallback(
    (data: Sendable) =>
      connections.get(url)?.client.send(data) ??
      // The message does not show the URL, which may contain a token.
      new NetError('closed', 'useSocket: no mounted component is connected to this URL'),
    [url],
  )
  return { status, send }
}

const CONNECTING: SocketStatus = { name: 'connecting' }

/** The callbacks of a component. */
interface Subscriber {
  readonly changed?: () => void
  readonly message?: (data: string) => void
}

interface Connection {
  readonly client: WsClient
  readonly subscribers: Set<Subscriber>
  status: SocketStatus
}

/** The connections by URL: the external store. */
const connections = new Map<string, Connection>()

/** Subscribes to the connection to a URL, opening it if necessary. Returns a function that unsubscribes. */
function subscribe_to(url: string, subscriber: Subscriber): () => void {
  const connection = connections.get(url) ?? open_connection(url)
  connection.subscribers.add(subscriber)
  return () => {
    connection.subscribers.delete(subscriber)
    // Deferred, because StrictMode unmounts and remounts each component, and so may a change of route.
    setTimeout(close_unused, 0, url, connection)
  }
}

function open_connection(url: string): Connection {
  const client = connect({ type: 'ws', url, reconnect: true })
  const connection: Connection = { client, subscribers: new Set(), status: CONNECTING }
  const set_status = (status: SocketStatus): void => {
    connection.status = status
    for (const { changed } of [...connection.subscribers]) changed?.()
  }
  client.on_open(() => set_status({ name: 'open' }))
  client.on_reconnecting(({ delay_ms }) => set_status({ name: 'reconnecting', delay_ms }))
  client.on_close(info => set_status({ name: 'closed', info }))
  client.on_message(data => {
    for (const { message } of [...connection.subscribers])
      try {
        message?.(data)
      } catch (err) {
        reportError(err) // an error in one component does not keep the message from the others
      }
  })
  client.on_error(err => console.warn(err.message))
  connections.set(url, connection)
  return connection
}

function close_unused(url: string, { client, subscribers }: Connection): void {
  if (subscribers.size > 0 || connections.get(url)?.client !== client) return
  connections.delete(url)
  client.close()
}
