export { type ClusterLink, type ClusterPort, type ClusterSink, NetError, type Pem } from '@bt/ws-protocol'
export type { NodeRedisOptions, NodeRedisSocket, RedisOptions } from './options.js'
export { redis } from './redis.js'
