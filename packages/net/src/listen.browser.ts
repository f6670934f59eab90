import { NetError } from '@bt/ws-protocol'

/**
 * Throws: a page can't accept connections.
 *
 * @throws NetError `unsupported`, always
 */
export function listen(): never {
  const message = 'listen: a browser takes no connections: run listen in Node, and connect to it from here'
  throw new NetError('unsupported', message)
}
