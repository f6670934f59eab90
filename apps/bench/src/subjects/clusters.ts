import type { BrokerKind } from '../process/broker.js'

/** Subjects that are several servers, joined by a broker. */
export const CLUSTER_NAMES = ['bt_net_nats', 'bt_net_redis', 'socket.io_redis', 'socket.io_sharded'] as const

export type ClusterName = (typeof CLUSTER_NAMES)[number]

/** What sets such a subject apart. */
export interface Cluster {
  readonly label: string
  readonly broker: BrokerKind
  /** Whose servers they are, and what joins them: npm packages. */
  readonly packages: readonly [string, ...string[]]
  readonly dialect: 'websocket' | 'socket.io'
  readonly file_stem: string
  readonly file_args: readonly string[]
}

const IN_SOCKET_IO = {
  broker: 'redis',
  packages: ['socket.io', '@socket.io/redis-adapter', 'redis'],
  dialect: 'socket.io',
  file_stem: 'socket_io',
} as const

const IN_BT_NET = { dialect: 'websocket', file_stem: 'bt_net', file_args: [] } as const

/** Each by its name. */
export const CLUSTERS: Readonly<Record<ClusterName, Cluster>> = {
  bt_net_nats: {
    ...IN_BT_NET,
    label: '@bt/net over NATS',
    broker: 'nats',
    packages: ['@bt/net', '@bt/ws-cluster-nats'],
  },
  bt_net_redis: {
    ...IN_BT_NET,
    label: '@bt/net over Redis',
    broker: 'redis',
    packages: ['@bt/net', '@bt/ws-cluster-redis'],
  },
  'socket.io_redis': { ...IN_SOCKET_IO, label: 'socket.io over Redis', file_args: ['plain'] },
  'socket.io_sharded': { ...IN_SOCKET_IO, label: 'socket.io sharded', file_args: ['sharded'] },
}
