/// <reference lib="esnext.disposable" preserve="true" />
export { type ClusterLink, type ClusterPort, type ClusterSink, NetError } from '@bt/ws-protocol'
export { nats } from './nats.js'
export type { NatsClientOptions, NatsOptions } from './options.js'
