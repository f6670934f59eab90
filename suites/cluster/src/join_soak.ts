// One server whose only client joins and leaves topics a million times, for `pnpm soak`:
// `node --expose-gc join_soak.js nats|redis URL`.
import { connect, listen } from '@bt/net'
import { churn, leaked_bytes } from './churn.js'
import { create_cluster_port } from './cluster_port.js'
import type { BrokerKind } from './node_protocol.js'

const TIMES = 1_000_000
const TOPICS = 10_000
/** Two bytes for each join and leave of a quarter: less than anything that leaked would take. */
const MAX_LEAKED_BYTES = 500_000

const [kind, url] = process.argv.slice(2) as [BrokerKind, string]
let errors = 0
const server = listen({
  type: 'ws',
  bind: '127.0.0.1:0',
  cluster: await create_cluster_port(kind, url),
  max_topics: 2 * TOPICS,
  on_error: ({ message }) => {
    errors += 1
    console.log(message)
  },
})
await server.opened
const client = connect({ type: 'ws', url: `ws://${server.addr}/ws` })
await client.opened

const heap_bytes = await churn(server, TOPICS, TIMES)
// Once this join settles, all earlier subscriptions have ended.
const [socket] = server.sockets
await socket?.join('end')
const { subscriptions } = server.stats().cluster ?? { subscriptions: 0 }
client.close()
server.close()
await server.closed

const figures = heap_bytes.map(bytes => (bytes / 1_048_576).toFixed(2)).join(' ')
console.log(
  `${kind}: ${TIMES} joins and leaves of ${TOPICS} topics; heap before and after each quarter, MiB: ${figures}`,
)
const is_heap_stable = leaked_bytes(heap_bytes) < MAX_LEAKED_BYTES
if (!is_heap_stable) console.log('the heap has grown')
if (subscriptions !== 1) console.log(`${subscriptions} subscriptions remain instead of 1`)
process.exitCode = is_heap_stable && subscriptions === 1 && errors === 0 ? 0 : 1
