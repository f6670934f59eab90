import type { ClusterPort } from '@bt/net'
import { type Broker, start_nats, start_redis } from '@bt/test-support/brokers'
import { NATS, REDIS, type SystemProgram } from '@bt/test-support/programs'
import { nats } from '@bt/ws-cluster-nats'
import { redis } from '@bt/ws-cluster-redis'

/** A kind of broker for the servers of a ledger. */
export interface LedgerBroker {
  readonly name: 'NATS' | 'Redis'
  readonly program: SystemProgram
  start(): Promise<Broker>
  /** Returns a server's port to the broker at that URL. */
  port_to(url: string): ClusterPort
}

/** The brokers that sessions are tested with. */
export const LEDGER_BROKERS: readonly LedgerBroker[] = [
  { name: 'NATS', program: NATS, start: () => start_nats(), port_to: url => nats({ servers: url }) },
  { name: 'Redis', program: REDIS, start: () => start_redis(), port_to: url => redis({ url }) },
]
