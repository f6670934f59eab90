export { NetError, type Pem } from '@bt/ws-protocol'
export type { ClusterLink, ClusterPort, ClusterSink } from '@bt/ws-protocol/broker'
export type { NodeRedisOptions, NodeRedisSocket, RedisOptions } from './options.js'
export { redis } from './redis.js'
