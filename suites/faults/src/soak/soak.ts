// A thousand clients that come, go, are reset and stalled at random, for minutes: `pnpm soak`.
import { fork } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Journal } from '@bt/test-support/journal'
import { type Account, audit } from './audit.js'
import { BadWeather } from './bad_weather.js'
import { account_of, BareGuest, type Guest, type GuestAccount, OurGuest } from './guests.js'
import { keep_rate, type ServerLife, type ServerOrder, type ServerWord, seeded_random } from './life.js'
import { read_arguments, type SoakArguments, USAGE } from './soak_arguments.js'

const { minutes, clients: client_count, seed } = arguments_or_exit()
const random = seeded_random(seed)
/** In each direction. */
const PER_SECOND = 2_500
const LEAVE_PER_SECOND = client_count / 20
const MIB = 1_048_576
/** What a garbage collector may leave, and what is filled once and kept. */
const HEAP_LEEWAY_BYTES = 8 * MIB

type Figures = Extract<ServerWord, { word: 'figures' }>

function arguments_or_exit(): SoakArguments {
  try {
    return read_arguments(process.argv.slice(2))
  } catch (error) {
    console.error(`soak: ${(error as Error).message}\n\n${USAGE}`)
    process.exit(1)
  }
}

const server = fork(
  fileURLToPath(new URL('./soak_server.js', import.meta.url)),
  [String(seed + 1), String(PER_SECOND)],
  { execArgv: ['--expose-gc'] },
)
const figures = new Journal<Figures>()
const lives = new Journal<ServerLife>()
const addr = await new Promise<string>(resolve => {
  server.on('message', (told: ServerWord) => {
    if (told.word === 'listening') resolve(told.addr)
    else if (told.word === 'life') lives.add(told.life)
    else figures.add(told)
  })
})
const weather = await BadWeather.before(addr)

const here = new Map<number, Guest>()
const gone: { guest: GuestAccount; is_clean: boolean }[] = []
let next_id = 0
let coming = 0
let is_over = false

async function come(): Promise<void> {
  const id = next_id
  next_id += 1
  coming += 1
  const kind = random()
  const guest =
    kind < 0.5 ? await BareGuest.come(id, addr) : new OurGuest(id, kind < 0.75 ? weather.addr : addr)
  coming -= 1
  here.set(id, guest)
  guest.left.then(is_clean => {
    here.delete(id)
    gone.push({ guest: account_of(guest), is_clean })
    drawn_from = drawn_from.filter(other => other !== guest)
    if (!is_over) void come()
  })
  drawn_from.push(guest)
  if (is_over) guest.leave_in_order()
}

let drawn_from: Guest[] = []
const anyone = (): Guest | undefined => drawn_from[Math.floor(random() * drawn_from.length)]

const order = (word: ServerOrder): boolean => server.send(word)

async function measure(): Promise<Figures> {
  const before = figures.entries.length
  order('measure')
  return (await figures.count(before + 1))[before] as Figures
}

async function fill(): Promise<void> {
  is_over = false
  while (here.size + coming < client_count) {
    await Promise.all(Array.from({ length: Math.min(50, client_count - here.size - coming) }, () => come()))
  }
}

/** All leave in order; settles when the server has told of each connection. */
async function empty(): Promise<void> {
  is_over = true
  for (const guest of [...here.values()]) guest.leave_in_order()
  while (here.size + coming > 0)
    await Promise.all(
      [...here.values()]
        .map(({ left }) => left)
        .concat(new Promise<boolean>(resolve => setImmediate(resolve, true))),
    )
  for (;;) {
    // Counted first: one may be told before it is known here how many are left.
    const told = lives.entries.length
    if ((await measure()).connections === 0) return
    await lives.count(told + 1)
  }
}

function show(account: Account, before: Figures, after: Figures, own_descriptors: readonly number[]): void {
  const mib = (bytes: number): string => (bytes / MIB).toFixed(1)
  const rows: readonly (readonly [string, string | number])[] = [
    ['seed', seed],
    ['minutes', minutes],
    ['clients at a time', client_count],
    ['clients in all', gone.length],
    ['connections in all', lives.entries.length],
    ['ended by', JSON.stringify(count_by(lives.entries, ({ info }) => info?.cause ?? 'nothing'))],
    ['messages taken by send', account.taken],
    ['messages a second', Math.round(account.taken / (minutes * 60))],
    ['received, in order', account.received],
    ['given back as an error', account.refused],
    ['lost with a connection, which its close told', account.lost_with_a_close],
    ['counted by unsent', account.unsent],
    ['unexplained', account.unexplained.length],
    ["errors told by the server's on_error", JSON.stringify(after.errors)],
    ['sockets shed', after.shed],
    ["server's heap before and after, MiB", `${mib(before.heap_bytes)} ${mib(after.heap_bytes)}`],
    ["server's resident memory before and after, MiB", `${mib(before.rss_bytes)} ${mib(after.rss_bytes)}`],
    ["server's descriptors before and after", `${before.descriptors} ${after.descriptors}`],
    ["clients' descriptors before and after", own_descriptors.join(' ')],
  ]
  console.log('')
  for (const [name, value] of rows) console.log(`${name.padEnd(48)} ${value}`)
}

function count_by<Thing>(
  things: readonly Thing[],
  name_of: (thing: Thing) => string,
): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const thing of things) counts[name_of(thing)] = (counts[name_of(thing)] ?? 0) + 1
  return counts
}

const descriptors = (): number => readdirSync('/proc/self/fd').length

console.log(`seed ${seed}: ${client_count} clients, ${2 * PER_SECOND} messages a second, ${minutes} minutes`)
// Once round first, so that what is made once and kept is there when it is measured.
await fill()
await empty()
const before = await measure()
const own_before = descriptors()

await fill()
order('start')
const started_ms = performance.now()
const stops = [
  keep_rate(PER_SECOND, () => anyone()?.send()),
  keep_rate(LEAVE_PER_SECOND, () => anyone()?.leave(random)),
  keep_rate(5, () => weather.reset(random)),
  keep_rate(2, () => weather.stall(random, random() * 6_000)),
  keep_rate(0.1, () => {
    const seconds = Math.round((performance.now() - started_ms) / 1_000)
    const rss = Math.round(process.memoryUsage().rss / MIB)
    console.log(
      `${seconds} s: ${here.size} here, ${gone.length} gone, ${lives.entries.length} connections ended, ${rss} MiB here`,
    )
  }),
]
await new Promise(resolve => setTimeout(resolve, minutes * 60_000))
for (const stop of stops) stop()
order('stop')
await empty()
const after = await measure()
await weather.end()
const own_after = descriptors()
server.disconnect()

const account = audit(gone, lives.entries)
show(account, before, after, [own_before, own_after])
for (const words of account.unexplained.slice(0, 20)) console.log(words)
const is_heap_kept = after.heap_bytes - before.heap_bytes < HEAP_LEEWAY_BYTES
const are_descriptors_kept = after.descriptors <= before.descriptors && own_after <= own_before
if (!is_heap_kept) console.log("the server's heap has grown")
if (!are_descriptors_kept) console.log('descriptors are still open')
process.exit(account.unexplained.length === 0 && is_heap_kept && are_descriptors_kept ? 0 : 1)
