import { type AuthorizeRequest, listen, type WsListenOptions } from '@bt/net'
import { onTestFinished } from 'vitest'

/** A server of a test's own. */
export interface Host {
  readonly url: string
  /** With what handshakes clients came, in order. */
  readonly requests: readonly AuthorizeRequest[]
  /** Closes it, and waits until it has; without, that is done when the test is over. */
  stop(): Promise<void>
}

/** Starts a server that does what is given, and waits until it listens. */
export async function start_host({ authorize, ...options }: Partial<WsListenOptions> = {}): Promise<Host> {
  const requests: AuthorizeRequest[] = []
  const server = listen({
    bind: '127.0.0.1:0',
    on_message: () => {},
    ...options,
    type: 'ws',
    authorize: request => {
      requests.push(request)
      return authorize?.(request)
    },
  })
  const stop = async (): Promise<void> => {
    server.close()
    await server.closed
  }
  onTestFinished(stop)
  await server.opened
  return { url: `ws://${server.addr}/ws`, requests, stop }
}
