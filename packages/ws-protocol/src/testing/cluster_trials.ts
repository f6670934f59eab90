import type { ClusterPort } from '../broker/cluster_port.js'
import { ClusterListener } from './cluster_listener.js'

/**
 * Connects twice, sends a message from one link to the other, and closes both; returns whether the message
 * arrived unchanged.
 */
export async function carries(port: ClusterPort): Promise<boolean> {
  const [one, other] = [await ClusterListener.connect(port), await ClusterListener.connect(port)]
  await one.subscribe('bt.here')
  other.publish('bt.here', Uint8Array.of(1))
  await one.has(1)
  await Promise.all([one.close(), other.close()])
  return one.received_messages[0]?.bytes[0] === 1
}

/** Returns the error with which connecting fails; throws if it succeeds. */
export async function failure_of(port: ClusterPort): Promise<Error> {
  return ClusterListener.connect(port).then(
    link => {
      link.destroy()
      throw new Error('it connected')
    },
    (error: Error) => error,
  )
}

/**
 * Makes the sink throw on its first message, and then publishes a second one; returns the channels of all
 * messages received. `thrown` settles when the error has surfaced.
 */
export async function received_after_throwing(
  port: ClusterPort,
  thrown: Promise<unknown>,
): Promise<readonly string[]> {
  const received: string[] = []
  const link = await port.connect({
    received: channel => {
      received.push(channel)
      if (received.length === 1) throw new Error('a bug')
    },
    lost: () => {},
    refused: () => {},
  })
  const other = await ClusterListener.connect(port)
  await link.subscribe(['bt.here'])
  other.publish('bt.here', Uint8Array.of(1))
  await thrown
  other.publish('bt.here', Uint8Array.of(2))
  await other.sync()
  await link.sync()
  await Promise.all([link.close(), other.close()])
  return received
}
