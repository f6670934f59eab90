import { NetError } from '@bt/ws-protocol'

/**
 * Throws: a page accepts no connections, and has none to refuse.
 *
 * @throws NetError `unsupported`, always
 */
export function refuse(): never {
  const message = 'refuse: a browser takes no connections: refuse in the authorize of listen, in Node'
  throw new NetError('unsupported', message)
}
