// A page in Chromium and a client in Node live through trouble, over a link between two network namespaces:
// `pnpm soak`. Prints how long each took to notice and to come back, and what became of every message. Fails
// if that took longer than the guides say, or if a message was lost without a sign, or came twice.
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { account_for, type ConversationRecord } from '@bt/test-support/conversation'
import { CHROMIUM, MissingProgram, path_of } from '@bt/test-support/programs'
import { NetworkLink, require_link, SERVER_IP } from '../network_link.js'
import { arguments_or_exit } from '../soak/soak_arguments.js'
import { file_of, give_up, start_child } from './child.js'
import { type Client, start_node, start_page } from './clients.js'
import { accounts_table, type Outcome, outcome_of, outcomes_table, type Span } from './outcomes.js'
import type { TroubleServerCommand, TroubleServerEvent } from './trouble_messages.js'

const { minutes } = arguments_or_exit()
exit_if_impossible()
// Whatever is started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => give_up(signal))

/** Runs of less than 10 minutes divide all times by this, and so do the heartbeat and `max_delay`. */
const speed = Math.max(1, 10 / minutes)
const at_pace = (seconds: number): number => Math.round((seconds * 1_000) / speed)
const PORT = 8080
const SETTINGS = {
  host: `${SERVER_IP}:${PORT}`,
  heartbeat_ms: at_pace(25),
  max_delay_ms: at_pace(20),
  interval_ms: 100,
}
const SPREAD_MS = at_pace(10)
/**
 * How long messages have to flow until trouble counts as over: longer than a connection has to last for the
 * delays to start over.
 */
const CALM_MS = SETTINGS.max_delay_ms + 2_000
/** A client that is not back after this time never comes back. */
const AWAY_LIMIT_MS = at_pace(120) + 10_000
/** The run takes less than half of this. */
const LIMIT_MS = at_pace(30 * 60) + 120_000

/** For what takes no time itself: an event, or an attempt. */
const LEEWAY_MS = 1_000
/** When a silent peer is given up: after twice the heartbeat, at the next check. */
const SILENCE_MS = 2.1 * SETTINGS.heartbeat_ms + LEEWAY_MS
/** How long a peer that is asked after a pause may take to answer. */
const ANSWER_MS = 0.4 * SETTINGS.heartbeat_ms
/** The bounds of the first two delays with the default `min_delay`. */
const FIRST_DELAY_MS = 500
const SECOND_DELAY_MS = 1_000
/** How long a wait still lasts, at most, when the network is back, the page is shown, or the process goes on. */
const JITTER_MS = 1_000

/**
 * A kind of trouble, how long a client may take to notice, and how long to be open again from when it has
 * noticed and can connect.
 */
interface Trouble {
  readonly name: string
  readonly clients: readonly Client[]
  readonly notice_ms: number
  readonly wait_ms: number
  /** Resolves when clients can connect again. */
  happen(): Promise<Span>
}

process.exit((await run()) ? 0 : 1)

/** Exits if something is missing that this needs. */
function exit_if_impossible(): void {
  try {
    require_link()
    path_of(CHROMIUM)
  } catch (error) {
    if (!(error instanceof MissingProgram)) throw error
    console.log(`trouble of a page and a client: skipped, because ${error.message}`)
    process.exit()
  }
}

/** Returns whether all went well. */
async function run(): Promise<boolean> {
  const most = `at most ${Math.ceil(LIMIT_MS / 60_000)} minutes`
  setTimeout(() => give_up(`not over after ${most}`), LIMIT_MS)
  console.log(`trouble at ${speed} times the usual pace, ${most}; load ${loadavg()[0]}`)
  const link = await NetworkLink.create()
  void link.ended.then(() => give_up('lossy_link.py has exited'))
  const server = start_child<TroubleServerCommand, TroubleServerEvent>(link.server_end, 'trouble_server', [
    SERVER_IP,
    PORT,
    file_of('trouble_page'),
    SETTINGS.heartbeat_ms,
    SETTINGS.interval_ms,
  ])
  await server.events.first(({ event }) => event === 'listening')
  const node = start_node(link.client_end, SETTINGS)
  const page = await start_page(link.client_end, SETTINGS)
  const both = [page, node]
  await calm(both)

  const outcomes: Outcome[] = []
  const complaints: string[] = []
  for (const trouble of make_troubles()) {
    console.log(trouble.name)
    const span = await trouble.happen()
    await calm(trouble.clients)
    for (const { name, events } of trouble.clients) {
      const outcome = outcome_of(trouble.name, name, events.entries, span)
      outcomes.push(outcome)
      complaints.push(...lateness(outcome, trouble))
    }
  }
  await calm(both)
  const accounts = await settle_accounts()
  console.log(`\n${outcomes_table(outcomes)}\n\n${accounts_table(accounts)}\n`)
  for (const { name, delivered_twice, out_of_order, unexplained, lost_on_the_way } of accounts)
    if (delivered_twice > 0 || out_of_order > 0 || unexplained.length > 0 || lost_on_the_way < 0)
      complaints.push(`${name}: messages were lost without a sign, or came twice or out of order`)
  for (const complaint of complaints) console.log(complaint)
  return complaints.length === 0

  function make_troubles(): Trouble[] {
    const expiry: Trouble = {
      name: 'token expired',
      clients: both,
      notice_ms: LEEWAY_MS,
      wait_ms: FIRST_DELAY_MS + SECOND_DELAY_MS + LEEWAY_MS,
      happen: expire,
    }
    const resumption = { notice_ms: ANSWER_MS + LEEWAY_MS, wait_ms: JITTER_MS + LEEWAY_MS }
    return [
      expiry,
      expiry,
      expiry,
      {
        name: `offline in the browser, ${for_ms(at_pace(20))}`,
        clients: [page],
        notice_ms: SILENCE_MS,
        wait_ms: JITTER_MS + LEEWAY_MS,
        happen: () => last(at_pace(20), on => page.set_offline(on)),
      },
      ...[at_pace(10), at_pace(60)].map(
        (ms): Trouble => ({
          name: `no network interface, ${for_ms(ms)}`,
          clients: both,
          notice_ms: SILENCE_MS,
          wait_ms: JITTER_MS + LEEWAY_MS,
          happen: () => last(ms, on => link.set_client_interface(on ? 'down' : 'up')),
        }),
      ),
      {
        name: `server restarted, \`spread_ms: ${SPREAD_MS}\``,
        clients: both,
        notice_ms: LEEWAY_MS,
        wait_ms: SPREAD_MS + LEEWAY_MS,
        happen: restart,
      },
      {
        name: `process suspended, ${for_ms(at_pace(90))}`,
        clients: [node],
        ...resumption,
        happen: () => pause(at_pace(90), on => (on ? node.suspend() : node.resume())),
      },
      {
        name: `page frozen, ${for_ms(at_pace(90))}`,
        clients: [page],
        ...resumption,
        happen: () => pause(at_pace(90), on => page.set_frozen(on)),
      },
      ...[at_pace(10), at_pace(90)].map(
        (ms): Trouble => ({
          name: `wire frozen, ${for_ms(ms)}`,
          clients: both,
          notice_ms: SILENCE_MS,
          wait_ms: SETTINGS.max_delay_ms + LEEWAY_MS,
          happen: () => last(ms, on => (on ? link.cut() : link.restore())),
        }),
      ),
    ]
  }

  async function expire(): Promise<Span> {
    const expired = server_event('expired')
    server.send({ command: 'expire' })
    const now_ms = await expired
    return { dead_ms: now_ms, can_connect_ms: now_ms }
  }

  async function restart(): Promise<Span> {
    const [closing, listening] = [server_event('closing'), server_event('listening')]
    server.send({ command: 'restart', spread_ms: SPREAD_MS, down_ms: at_pace(1) })
    return { dead_ms: await closing, can_connect_ms: await listening }
  }

  /** Returns the time of the server's next event of this name. */
  async function server_event(name: 'expired' | 'closing' | 'listening'): Promise<number> {
    const { at_ms } = await server.events.first(
      (event): event is Extract<TroubleServerEvent, { event: typeof name }> => event.event === name,
      server.events.entries.length,
    )
    return at_ms
  }

  /** Returns what became of all messages. */
  async function settle_accounts() {
    server.send({ command: 'stop' })
    for (const client of both) client.send('stop')
    // What is under way arrives.
    await sleep(2_000)
    server.send({ command: 'records' })
    const { records } = await server.events.first(
      (event): event is Extract<TroubleServerEvent, { event: 'records' }> => event.event === 'records',
    )
    const accounts = []
    for (const client of both) {
      client.send('record')
      const { record: here } = await client.events.first(event => event.event === 'record')
      const there = records[client.name] as ConversationRecord
      accounts.push({ name: `${client.name} → server`, ...account_for(here, there) })
      accounts.push({ name: `server → ${client.name}`, ...account_for(there, here) })
    }
    return accounts
  }
}

function for_ms(ms: number): string {
  return `for ${ms / 1_000} s`
}

/** Makes trouble that clients can notice while it lasts. */
async function last(ms: number, turn: (on: boolean) => void | Promise<void>): Promise<Span> {
  const dead_ms = Date.now()
  await turn(true)
  await sleep(ms)
  await turn(false)
  return { dead_ms, can_connect_ms: Date.now() }
}

/** Stops a client, which can notice nothing before it goes on. */
async function pause(ms: number, turn: (on: boolean) => void | Promise<void>): Promise<Span> {
  await turn(true)
  await sleep(ms)
  const now_ms = Date.now()
  await turn(false)
  return { dead_ms: now_ms, can_connect_ms: now_ms }
}

/** Resolves when messages have reached all of these clients without a break for a while. */
async function calm(clients: readonly Client[]): Promise<void> {
  const began_ms = Date.now()
  let since_ms = began_ms
  while (Date.now() < since_ms + CALM_MS) {
    await sleep(SETTINGS.interval_ms)
    for (const { name, events } of clients) {
      const event = events.entries.at(-1)
      if (event?.event !== 'message' || event.at_ms < Date.now() - 10 * SETTINGS.interval_ms)
        since_ms = Date.now()
      if (since_ms > began_ms + AWAY_LIMIT_MS)
        give_up(`${name} is not back after ${AWAY_LIMIT_MS} ms; its latest event: ${JSON.stringify(event)}`)
    }
  }
}

/** Returns what took longer than the guides say. */
function lateness({ trouble, client, noticed_ms = 0, waited_ms = 0 }: Outcome, most: Trouble): string[] {
  return [
    ...(noticed_ms > most.notice_ms ? [`noticed after ${noticed_ms} ms, not ${most.notice_ms} ms`] : []),
    ...(waited_ms > most.wait_ms ? [`open after another ${waited_ms} ms, not ${most.wait_ms} ms`] : []),
  ].map(complaint => `${client}, ${trouble}: ${complaint}`)
}
