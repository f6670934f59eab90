import type { ClusterPort } from '@bt/net'
import { InvalidArgumentError } from 'commander'

/** Brokers by the scheme of their URLs. A package is loaded only when its broker is used. */
const BROKERS: Readonly<Record<string, (url: string) => Promise<ClusterPort>>> = {
  'nats:': via_nats,
  'tls:': via_nats,
  'redis:': via_redis,
  'rediss:': via_redis,
}

/**
 * Checks a broker URL from the command line.
 *
 * @throws InvalidArgumentError for an invalid URL, or an unknown scheme
 */
export function broker_url(text: string): string {
  if (scheme_of(text) in BROKERS) return text
  throw new InvalidArgumentError(
    'Give nats://host:port or redis://host:port; over TLS, tls://host:port or rediss://host:port.',
  )
}

/**
 * Returns the broker at a URL that {@link broker_url} has checked, without connecting to it.
 *
 * @throws NetError `invalid_option` for a URL that the broker's package rejects
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
