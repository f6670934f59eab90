import type { ClusterPort } from '@bt/net'
import type { NodeOptions } from './words.js'

/** Makes the port to a broker. Loads only the client that is needed, since many processes do this. */
export async function port_to(kind: NodeOptions['kind'], url: string): Promise<ClusterPort> {
  return kind === 'nats'
    ? (await import('@bt/ws-cluster-nats')).nats({ servers: url })
    : (await import('@bt/ws-cluster-redis')).redis({ url })
}
