// A React hook for a WebSocket, for React 18 and later.
//
//   function Prices() {
//     const [prices, set_prices] = useState<readonly number[]>([])
//     const { status, send } = useSocket('wss://example.com/prices', data => {
//       set_prices(before => [...before.slice(-99), read_price(data)]) // many may come between two renders: start from `before`
//     })
//     …
//
// Components that name the same URL share one connection. It is opened by the first of them that is mounted, closed after the last one is
// gone, and comes back by itself meanwhile. `on_message` is called for each message, in order: no render in between swallows one, as it would be if
// the hook returned the last message. What is sent while it connects goes out once it is open.
import { type CloseInfo, connect, NetError, type Sendable, type WsClient } from '@bt/net'
import { useCallback, useEffect, useLayoutEffect, useRef, useSyncExternalStore } from 'react'

/** How the connection stands. */
export type SocketStatus =
  | { readonly name: 'connecting' | 'open' }
  /** It was lost, or did not open; the next attempt is made in so many milliseconds. */
  | { readonly name: 'reconnecting'; readonly delay_ms: number }
  /** It is over, and does not come back by itself: refused, or closed by the server for good. */
  | { readonly name: 'closed'; readonly info: CloseInfo }

/** What {@link useSocket} returns; `send` stays the same function while the URL does. */
export interface Socket {
  readonly status: SocketStatus
  /** As `send` of `connect`: `true`, or an error that says why nothing was taken. */
  readonly send: (data: Sendable) => true | NetError
}

/** Connects to a URL while the component is mounted, and calls `on_message` for each message that comes meanwhile. */
export function useSocket(url: string, on_message: (data: string) => void): Socket {
  // A render makes a new function each time: messages go to that of the last one that was shown, if it is for their URL.
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
      new NetError('closed', 'useSocket: no mounted component is connected to this URL'), // which may have a token
    [url],
  )
  return { status, send }
}

const CONNECTING: SocketStatus = { name: 'connecting' }

/** What a component wants to hear of a connection. */
interface Subscriber {
  readonly changed?: () => void
  readonly message?: (data: string) => void
}

interface Connection {
  readonly client: WsClient
  readonly subscribers: Set<Subscriber>
  status: SocketStatus
}

/** Those that are open, or are to be, by URL: the store outside of React. */
const connections = new Map<string, Connection>()

/** Subscribes to the connection to a URL, which is opened where there is none; returns what ends that. */
function subscribe_to(url: string, subscriber: Subscriber): () => void {
  const connection = connections.get(url) ?? open_connection(url)
  connection.subscribers.add(subscriber)
  return () => {
    connection.subscribers.delete(subscriber)
    // Not at once: StrictMode unmounts each component and mounts it again, and a change of route may do so, too.
    setTimeout(close_unused, 0, url, connection)
  }
}

function open_connection(url: string): Connection {
  const client = connect({ type: 'ws', url, reconnect: true })
  const connection: Connection = { client, subscribers: new Set(), status: CONNECTING }
  const tell = (status: SocketStatus): void => {
    connection.status = status
    for (const { changed } of [...connection.subscribers]) changed?.()
  }
  client.on_open(() => tell({ name: 'open' }))
  client.on_reconnecting(({ delay_ms }) => tell({ name: 'reconnecting', delay_ms }))
  client.on_close(info => tell({ name: 'closed', info }))
  client.on_message(data => {
    for (const { message } of [...connection.subscribers])
      try {
        message?.(data)
      } catch (err) {
        reportError(err) // one component that fails takes no message from the others
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
