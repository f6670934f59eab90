/// <reference lib="esnext.disposable" preserve="true" />
export { NetError } from '@bt/ws-protocol'
export type { ClusterLink, ClusterPort, ClusterSink } from '@bt/ws-protocol/broker'
export { nats } from './nats.js'
export type {
  NatsAuthenticator,
  NatsClientOptions,
  NatsCredentials,
  NatsOptions,
  NatsTlsOptions,
} from './options.js'
