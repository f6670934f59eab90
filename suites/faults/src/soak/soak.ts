// Runs 1,000 clients that connect, leave, are reset and stalled at random, for minutes: `pnpm soak`.
import { fork } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Journal } from '@bt/test-support/journal'
import { type AuditResult, audit } from './audit.js'
import { type ClientRecord, LibraryClient, RawClient, record_of, type SoakClient } from './clients.js'
import { FaultyProxy } from './faulty_proxy.js'
import { keep_rate } from './keep_rate.js'
import { seeded_random } from './seeded_random.js'
import type { ConnectionRecord, ServerCommand, ServerEvent } from './server_messages.js'
import { arguments_or_exit } from './soak_arguments.js'

const { minutes, clients: client_count, seed } = arguments_or_exit()
const random = seeded_random(seed)
/** In each direction. */
const MESSAGES_PER_SECOND = 2_500
const LEAVES_PER_SECOND = client_count / 20
const MIB = 1_048_576
/** Garbage that a collection may leave, and caches that are filled once and kept. */
const HEAP_LEEWAY_BYTES = 8 * MIB

type Figures = Extract<ServerEvent, { event: 'figures' }>

const server = fork(
  fileURLToPath(new URL('./soak_server.js', import.meta.url)),
  [String(seed + 1), String(MESSAGES_PER_SECOND)],
  { execArgv: ['--expose-gc'] },
)
const figures = new Journal<Figures>()
const connections = new Journal<ConnectionRecord>()
const addr = await new Promise<string>(resolve => {
  server.on('message', (event: ServerEvent) => {
    if (event.event === 'listening') resolve(event.addr)
    else if (event.event === 'closed') connections.add(event.connection)
    else figures.add(event)
  })
})
const proxy = await FaultyProxy.start(addr)

const clients = new Map<number, SoakClient>()
/** The same clients, in an array, so that one can be picked at random. */
let candidates: SoakClient[] = []
const left: { client: ClientRecord; is_clean: boolean }[] = []
let next_id = 0
let connecting = 0
let is_over = false

async function add_client(): Promise<void> {
  const id = next_id
  next_id += 1
  connecting += 1
  const kind = random()
  const client =
    kind < 0.5 ? await RawClient.connect(id, addr) : new LibraryClient(id, kind < 0.75 ? proxy.addr : addr)
  connecting -= 1
  clients.set(id, client)
  client.left.then(is_clean => {
    clients.delete(id)
    left.push({ client: record_of(client), is_clean })
    candidates = candidates.filter(other => other !== client)
    if (!is_over) void add_client()
  })
  candidates.push(client)
  if (is_over) client.leave_cleanly()
}

const random_client = (): SoakClient | undefined => candidates[Math.floor(random() * candidates.length)]

const send_command = (command: ServerCommand): boolean => server.send(command)

async function measure(): Promise<Figures> {
  const before = figures.entries.length
  send_command('measure')
  return (await figures.count(before + 1))[before] as Figures
}

async function connect_all(): Promise<void> {
  is_over = false
  while (clients.size + connecting < client_count) {
    const missing = client_count - clients.size - connecting
    await Promise.all(Array.from({ length: Math.min(50, missing) }, () => add_client()))
  }
}

/** Makes all clients leave cleanly; resolves when the server has reported every connection. */
async function disconnect_all(): Promise<void> {
  is_over = true
  for (const client of [...clients.values()]) client.leave_cleanly()
  while (clients.size + connecting > 0)
    await Promise.all(
      [...clients.values()]
        .map(client => client.left)
        .concat(new Promise<boolean>(resolve => setImmediate(resolve, true))),
    )
  for (;;) {
    // Counted before measuring: a connection may be reported while the measurement is on its way.
    const reported = connections.entries.length
    if ((await measure()).connections === 0) return
    await connections.count(reported + 1)
  }
}

function show(
  result: AuditResult,
  before: Figures,
  after: Figures,
  own_descriptors: readonly number[],
): void {
  const mib = (bytes: number): string => (bytes / MIB).toFixed(1)
  const rows: readonly (readonly [string, string | number])[] = [
    ['seed', seed],
    ['minutes', minutes],
    ['clients at a time', client_count],
    ['clients in all', left.length],
    ['connections in all', connections.entries.length],
    ['ended by', JSON.stringify(count_by(connections.entries, ({ info }) => info?.cause ?? 'nothing'))],
    ['messages accepted by send', result.accepted],
    ['messages per second', Math.round(result.accepted / (minutes * 60))],
    ['received, in order', result.received],
    ['rejected by send', result.rejected],
    ['lost with a connection, as its close reported', result.lost],
    ['counted by unsent', result.unsent],
    ['unexplained', result.unexplained.length],
    ["errors in the server's on_error", JSON.stringify(after.errors)],
    ['sockets shed', after.shed],
    ["server's heap before and after, MiB", `${mib(before.heap_bytes)} ${mib(after.heap_bytes)}`],
    ["server's resident memory before and after, MiB", `${mib(before.rss_bytes)} ${mib(after.rss_bytes)}`],
    ["server's descriptors before and after", `${before.descriptors} ${after.descriptors}`],
    ["clients' descriptors before and after", own_descriptors.join(' ')],
  ]
  console.log('')
  for (const [name, value] of rows) console.log(`${name.padEnd(48)} ${value}`)
}

function count_by<Item>(items: readonly Item[], name_of: (item: Item) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[name_of(item)] = (counts[name_of(item)] ?? 0) + 1
  return counts
}

const descriptors = (): number => readdirSync('/proc/self/fd').length

console.log(
  `seed ${seed}: ${client_count} clients, ${2 * MESSAGES_PER_SECOND} messages per second, ${minutes} minutes`,
)
// A first round without faults, so that what is created once and kept exists before the first measurement.
await connect_all()
await disconnect_all()
const before = await measure()
const own_before = descriptors()

await connect_all()
send_command('start')
const started_ms = performance.now()
const stops = [
  keep_rate(MESSAGES_PER_SECOND, () => random_client()?.send()),
  keep_rate(LEAVES_PER_SECOND, () => random_client()?.leave(random)),
  keep_rate(5, () => proxy.reset(random)),
  keep_rate(2, () => proxy.stall(random, random() * 6_000)),
  keep_rate(0.1, () => {
    const seconds = Math.round((performance.now() - started_ms) / 1_000)
    const rss = Math.round(process.memoryUsage().rss / MIB)
    console.log(
      `${seconds} s: ${clients.size} clients, ${left.length} have left, ${connections.entries.length} connections have ended, ${rss} MiB here`,
    )
  }),
]
await new Promise(resolve => setTimeout(resolve, minutes * 60_000))
for (const stop of stops) stop()
send_command('stop')
await disconnect_all()
const after = await measure()
await proxy.end()
const own_after = descriptors()
server.disconnect()

const result = audit(left, connections.entries)
show(result, before, after, [own_before, own_after])
for (const problem of result.unexplained.slice(0, 20)) console.log(problem)
const is_heap_stable = after.heap_bytes - before.heap_bytes < HEAP_LEEWAY_BYTES
const are_descriptors_closed = after.descriptors <= before.descriptors && own_after <= own_before
if (!is_heap_stable) console.log("the server's heap has grown")
if (!are_descriptors_closed) console.log('descriptors are still open')
process.exit(result.unexplained.length === 0 && is_heap_stable && are_descriptors_closed ? 0 : 1)
