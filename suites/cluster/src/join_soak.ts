// One server whose one client joins and leaves a million times, for `pnpm soak`: `node --expose-gc join_soak.js nats|redis URL`.
import { connect, listen } from '@bt/net'
import { churn } from './churn.js'
import { port_to } from './cluster_port.js'
import type { NodeOptions } from './words.js'

const TIMES = 1_000_000
const TOPICS = 10_000
/** Two bytes for each join and leave of the second half: less than anything takes that is kept. */
const HEAP_LEEWAY_BYTES = 1_000_000

const [kind, url] = process.argv.slice(2) as [NodeOptions['kind'], string]
let errors = 0
const server = listen({
  type: 'ws',
  bind: '127.0.0.1:0',
  cluster: await port_to(kind, url),
  max_topics: 2 * TOPICS,
  on_error: ({ message }) => {
    errors += 1
    console.log(message)
  },
})
await server.opened
const client = connect({ type: 'ws', url: `ws://${server.addr}/ws` })
await client.opened

const [before = 0, halfway = 0, after = 0] = await churn(server, TOPICS, TIMES)
// When this one stands, all others have ended.
const [socket] = server.sockets
await socket?.join('end')
const { subscriptions } = server.stats().cluster ?? { subscriptions: 0 }
client.close()
server.close()
await server.closed

const figures = [before, halfway, after].map(bytes => (bytes / 1_048_576).toFixed(2)).join(' ')
console.log(
  `${kind}: ${TIMES} joins and leaves of ${TOPICS} topics; heap before, halfway and after, MiB: ${figures}`,
)
const is_heap_kept = after - halfway < HEAP_LEEWAY_BYTES
if (!is_heap_kept) console.log('the heap has grown')
if (subscriptions !== 1) console.log(`${subscriptions} subscriptions stand, and not 1`)
process.exitCode = is_heap_kept && subscriptions === 1 && errors === 0 ? 0 : 1
