import {
  type AuthorizeRequest,
  type CloseInfo,
  type CloseOptions,
  listen,
  type WsListenOptions,
} from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { onTestFinished } from 'vitest'
import { send_patiently } from '../src/shared/send_patiently.ts'

/** A server in the process of the test. */
export interface Host {
  readonly url: string
  /** The requests of all handshakes, in order. */
  readonly requests: readonly AuthorizeRequest[]
  /** How the first connection ended, once it has. */
  readonly first_end: Promise<CloseInfo>
  /** Closes the server and waits until it has closed, which also happens at the end of the test. */
  stop(options?: CloseOptions): Promise<void>
}

type HostOptions = Partial<Omit<WsListenOptions, 'on_close'>>

/** Starts a server with the given options, and waits until it listens. */
export async function start_host({ authorize, ...options }: HostOptions = {}): Promise<Host> {
  const requests: AuthorizeRequest[] = []
  const { promise: first_end, resolve: report_end } = deferred<CloseInfo>()
  const server = listen({
    bind: '127.0.0.1:0',
    on_message: () => {},
    ...options,
    type: 'ws',
    authorize: request => {
      requests.push(request)
      return authorize?.(request)
    },
    on_close: (_socket, info) => report_end(info),
  })
  const stop = async (options?: CloseOptions): Promise<void> => {
    server.close(options)
    await server.closed
  }
  onTestFinished(() => stop())
  await server.opened
  return { url: `ws://${server.addr}/ws`, requests, first_end, stop }
}

/** Starts a server that greets and answers as `serve` does, for tests of a client. */
export function start_echo_host(options: HostOptions = {}): Promise<Host> {
  return start_host({
    on_connect: socket => void socket.send('welcome'),
    on_message: (socket, data) => send_patiently(socket, `echo:${data}`),
    ...options,
  })
}

/** Returns a URL at which no server listens. */
export async function unused_url(): Promise<string> {
  const { url, stop } = await start_host()
  await stop()
  return url
}
