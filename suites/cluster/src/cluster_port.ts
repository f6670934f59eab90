import type { ClusterPort } from '@bt/net'
import type { BrokerKind } from './node_protocol.js'

/** Creates the port to a broker. Imports only the client it needs, since many processes call this. */
export async function create_cluster_port(kind: BrokerKind, url: string): Promise<ClusterPort> {
  return kind === 'nats'
    ? (await import('@bt/ws-cluster-nats')).nats({ servers: url })
    : (await import('@bt/ws-cluster-redis')).redis({ url })
}
