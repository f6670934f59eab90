import type { ClusterPort } from '@bt/net'
import { InvalidArgumentError } from 'commander'

/** The brokers that there are, by the scheme of their URLs; a package is loaded when it is asked for. */
const BROKERS: Readonly<Record<string, (url: string) => Promise<ClusterPort>>> = {
  'nats:': via_nats,
  'tls:': via_nats,
  'redis:': via_redis,
  'rediss:': via_redis,
}

/**
 * Checks the URL of a broker, as the command line has it.
 *
 * @throws InvalidArgumentError for a scheme that is none of a broker's, or what is no URL at all
 */
export function broker_url(text: string): string {
  if (scheme_of(text) in BROKERS) return text
  throw new InvalidArgumentError(
    'Give nats://host:port or redis://host:port; over TLS, tls://host:port or rediss://host:port.',
  )
}

/**
 * The broker at a URL that {@link broker_url} has checked; nobody connects to it yet.
 *
 * @throws NetError `invalid_option` for a URL that its package does not take
 */
export async function cluster_of(url: string | undefined): Promise<ClusterPort | undefined> {
  return url === undefined ? undefined : BROKERS[scheme_of(url)]?.(url)
}

function scheme_of(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : ''
}

async function via_nats(servers: string): Promise<ClusterPort> {
  const { nats } = await import('@bt/ws-cluster-nats')
  return nats({ servers })
}

async function via_redis(url: string): Promise<ClusterPort> {
  const { redis } = await import('@bt/ws-cluster-redis')
  return redis({ url })
}
