import { setTimeout } from 'node:timers/promises'
import { seeded_random } from '../soak/seeded_random.js'
import { audit, type SessionFigures } from './audit.js'
import { CuttingProxy } from './cutting_proxy.js'
import type { ClientRecord } from './ledger.js'
import { LedgerClient, type LedgerClientSettings } from './ledger_client.js'
import type { LedgerNode } from './ledger_server.js'

/** How long servers hold a session without a socket in a ledger. */
export const HOLD_MS = 600
const OUTAGE_MS = 900
/** Once nothing is cut any more, a client has to be done within this time. */
const FINISH_LIMIT_MS = 20_000

/** What a {@link run_ledger} needs to know of a client, which may be in another process. */
export interface ClientHandle {
  readonly opened: Promise<void>
  /** Ends it in order. */
  finish(): Promise<ClientRecord>
  /** Returns the record of one that does not end, with its latest events. */
  state(): Promise<{ readonly record: ClientRecord; readonly trail: readonly string[] }>
}

/** The settings of {@link run_ledger}. */
export interface LedgerRun {
  readonly seed: number
  /** Each connection of a client goes to the next one. */
  readonly nodes: readonly LedgerNode[]
  readonly clients: number
  /** After how many cuts, or what time, the run ends. */
  readonly until: { readonly cuts: number } | { readonly minutes: number }
  /** How often a server restarts, per cut. */
  readonly restart_rate: number
  readonly connect?: (settings: LedgerClientSettings) => Promise<ClientHandle>
}

/** Runs clients through proxies that cut their connections, ends all in order, and audits the ledger. */
export async function run_ledger(run: LedgerRun): Promise<SessionFigures> {
  const { seed, nodes, until, restart_rate, connect = connect_here } = run
  const random = seeded_random(seed)
  const ports = nodes.map(({ port }) => port)
  let cuts = 0
  let restarting: Promise<void> | undefined
  let is_over!: () => void
  const over = new Promise<void>(resolve => {
    is_over = resolve
  })
  if ('minutes' in until) void setTimeout(until.minutes * 60_000).then(is_over)
  const on_cut = (): void => {
    cuts += 1
    if ('cuts' in until && cuts >= until.cuts) is_over()
    if (restarting !== undefined || random() >= restart_rate) return
    restarting = nodes[Math.floor(random() * nodes.length)]?.restart(random() < 0.5).then(() => {
      restarting = undefined
    })
  }
  const proxies: CuttingProxy[] = []
  const clients: ClientHandle[] = []
  for (let index = 0; index < run.clients; index += 1) {
    const proxy = await CuttingProxy.start({
      // The clients begin at different ones.
      ports: [...ports.slice(index % ports.length), ...ports.slice(0, index % ports.length)],
      random: seeded_random(seed + 1_000 * (index + 1)),
      outage_ms: OUTAGE_MS,
      on_cut,
    })
    proxies.push(proxy)
    clients.push(
      await connect({
        id: String(index),
        url: `ws://127.0.0.1:${proxy.port}/ws`,
        seed: seed + 1_000 * (index + 1) + 1,
        unacknowledged: index % 4 === 3 ? 'resend' : 'report',
      }),
    )
  }
  await over
  for (const proxy of proxies) proxy.calm_down()
  await restarting
  await Promise.all(clients.map(({ opened }) => opened))
  for (const node of nodes) node.stop_broadcasts()
  const records = await Promise.all(clients.map(finish))
  const servers = await Promise.all(nodes.map(node => node.close()))
  await Promise.all(proxies.map(proxy => proxy.close()))
  return audit(
    records.map((record, index) => ({ record, cuts_ms: proxies[index]?.cuts_ms ?? [] })),
    servers,
  )
}

async function connect_here(settings: LedgerClientSettings): Promise<ClientHandle> {
  const client = new LedgerClient(settings)
  return { opened: client.opened, finish: () => client.finish(), state: async () => client.state }
}

async function finish(client: ClientHandle): Promise<ClientRecord> {
  const limit = new AbortController()
  const late = setTimeout(FINISH_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => undefined)
  const record = await Promise.race([client.finish(), late])
  limit.abort()
  if (record !== undefined) return record
  const { record: unfinished, trail } = await client.state()
  unfinished.flaws.push(`it does not come to an end:\n    ${trail.join('\n    ')}`)
  return unfinished
}
