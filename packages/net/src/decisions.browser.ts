import { NetError } from '@bt/ws-protocol'

/**
 * Throws: a page accepts no connections.
 *
 * @throws NetError `unsupported`, always
 */
export function accept(): never {
  throw takes_no_connections('accept')
}

/**
 * Throws: a page accepts no connections, and has none to refuse.
 *
 * @throws NetError `unsupported`, always
 */
export function refuse(): never {
  throw takes_no_connections('refuse')
}

function takes_no_connections(call: 'accept' | 'refuse'): NetError {
  const message = `${call}: a browser takes no connections: ${call} in the authorize of listen, in Node`
  return new NetError('unsupported', message)
}
