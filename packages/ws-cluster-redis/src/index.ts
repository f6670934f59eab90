export { type ClusterLink, type ClusterPort, type ClusterSink, NetError } from '@bt/ws-protocol'
export type { RedisOptions, RedisOwnOptions } from './options.js'
export { redis } from './redis.js'
