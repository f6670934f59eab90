import { NetError } from '@bt/ws-protocol'

/**
 * Throws: neither a page nor a worker at the edge can accept connections.
 *
 * @throws NetError `unsupported`, always
 */
export function listen(): never {
  const message =
    'listen: this platform takes no connections: run listen in Node, and connect to it from here'
  throw new NetError('unsupported', message)
}
