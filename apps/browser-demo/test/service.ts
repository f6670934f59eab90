import { fileURLToPath } from 'node:url'
import { parse_bound } from '@bt/demo-support/address'
import { cluster_of } from '@bt/demo-support/cluster_of'
import type { ClusterPort } from '@bt/net'
import { beforeAll, onTestFinished } from 'vitest'
import { start_service } from '../src/server/service.ts'
import { read_static_files } from '../src/server/static_files.ts'

const PAGE = fileURLToPath(new URL('../dist/page', import.meta.url))
const FREE_PORT = '127.0.0.1:0'

/**
 * A server in the process of the tests, which starts much faster than a program.
 */
export interface RunningService {
  /** The URL of its page. */
  readonly url: string
  /** The URL of its WebSocket. */
  readonly ws_url: string
  /** Stops it at once, and cuts its connections without a Close. */
  readonly end: () => Promise<void>
}

/** Starts a server on the given ports, or free ones; it ends with the test. */
export async function serve_page(
  where: { readonly url: string; readonly ws_url: string } | undefined = undefined,
  broker_url?: string,
): Promise<RunningService> {
  const service = await start(where, await cluster_of(broker_url))
  onTestFinished(service.end)
  return service
}

/**
 * Starts a server for all tests of a file that leave it unchanged, and returns a function that gets it. Pages
 * of the previous test may still be disconnecting.
 */
export function share_service(): () => RunningService {
  let service: RunningService
  beforeAll(async () => {
    service = await start()
    return service.end
  })
  return () => service
}

async function start(
  where?: { readonly url: string; readonly ws_url: string },
  broker?: ClusterPort,
): Promise<RunningService> {
  const bind = where === undefined ? FREE_PORT : new URL(where.url).host
  const ws_bind = where === undefined ? FREE_PORT : new URL(where.ws_url).host
  const { page_url, ws_url, ws_server, close, cut } = await start_service(
    { files: read_static_files(PAGE), bind: parse_bound(bind), ws_bind: parse_bound(ws_bind), broker },
    // Some tests stop the broker or cut pages off on purpose, and check what the pages show.
    { on_error: () => {} },
  )
  const end = async (): Promise<void> => {
    cut()
    close()
    cut()
    await ws_server.closed
  }
  return { url: page_url, ws_url, end }
}
