import { NetError } from '@bt/ws-protocol'

/**
 * Throws: neither a page nor a worker at the edge accepts connections.
 *
 * @throws NetError `unsupported`, always
 */
export function accept(): never {
  throw takes_no_connections('accept')
}

/**
 * Throws: neither a page nor a worker at the edge accepts connections, so there are none to refuse.
 *
 * @throws NetError `unsupported`, always
 */
export function refuse(): never {
  throw takes_no_connections('refuse')
}

function takes_no_connections(call: 'accept' | 'refuse'): NetError {
  const message = `${call}: this platform takes no connections: ${call} in the authorize of listen, in Node`
  return new NetError('unsupported', message)
}
