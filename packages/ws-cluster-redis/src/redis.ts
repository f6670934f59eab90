import { broker_name, type ClusterPort } from '@bt/ws-protocol/broker'
import { check_options } from '@bt/ws-protocol/internal'
import { type RedisOptions, redis_rules } from './options.js'
import { RedisPort } from './redis_port.js'
import { parse_seed } from './seed.js'

/**
 * Makes a broker for the option `cluster` of `listen`, to connect servers through Redis, version 6 or later,
 * or anything that speaks its protocol. It does not connect; the server does that.
 *
 * From Redis 7 on it uses sharded channels (`SPUBLISH`, `SSUBSCRIBE`), which in a Redis Cluster stay on the
 * node that has their slot. A message may have up to 8 MiB: Redis cuts off subscribers that are 32 MiB behind
 * (`client-output-buffer-limit pubsub`), which a few larger messages would cause.
 *
 * @throws NetError `invalid_option` if an option is wrong; it shows no credentials
 */
export function redis(options: RedisOptions): ClusterPort {
  const {
    url,
    prefix,
    connect_timeout,
    options: client_options = {},
  } = check_options('redis', options, redis_rules)
  const seeds = [url].flat().map(one => parse_seed(one, client_options))
  const addresses = seeds.map(({ address }) => address)
  return new RedisPort(broker_name('Redis', addresses), prefix, { seeds, connect_timeout })
}
