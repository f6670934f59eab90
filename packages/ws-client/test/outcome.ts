import type { CloseInfo, NetError, WsClient, WsConnectOptions } from '../src/index.js'

/** How a connection went, from its start to its end. */
export interface Outcome {
  readonly errors: readonly NetError[]
  readonly info: CloseInfo
  /** `true`, or the error that `opened` rejected with. */
  readonly opened: unknown
}

/**
 * Makes `outcome` for the `connect` of a platform, which connects, and returns how the connection ended.
 */
export function outcome_of(
  connect: (options: WsConnectOptions<boolean>) => Pick<WsClient, 'opened' | 'closed'>,
): (url: string, options?: Partial<WsConnectOptions<boolean>>) => Promise<Outcome> {
  return async (url, options = {}) => {
    const errors: NetError[] = []
    const ws = connect({ type: 'ws', url, on_error: err => errors.push(err), ...options })
    const [opened, info] = await Promise.all([
      ws.opened.then(() => true).catch((error: unknown) => error),
      ws.closed,
    ])
    return { errors, info, opened }
  }
}
