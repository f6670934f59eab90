import { setTimeout } from 'node:timers/promises'
import { type Broker, type BrokerKind, start_broker } from '../process/broker.js'
import { median } from '../statistics.js'
import { LOADS, type Load } from './model.js'
import { PlainClient, WORDS } from './plain_client.js'
import type { CapacitySettings } from './settings.js'

/** A message goes to so many who have subscribed. */
const RECEIVERS = [0, 4, 16] as const

/** As long as what servers publish for one message of theirs. */
const PAYLOAD = 'x'.repeat(84)

/** How many messages are under way at once where a broker always has something to do, and how long it has nothing to do where each comes alone. */
const BUSY_WINDOW = 500
const LONE_GAP_MS = 5

/** What it takes a broker to hand on one message, in microseconds of CPU time. */
export interface RelayCost {
  readonly load: Load
  readonly receivers: number
  readonly broker_us: number
}

/** A topic, who publishes to it, and who has subscribed to it. */
interface Circle {
  readonly topic: string
  readonly publisher: PlainClient
  readonly receivers: readonly PlainClient[]
}

/**
 * Measures what it takes a broker to hand on messages, by how many get them: between connections that take so little that it can be made busy,
 * which servers that share a core with each other can't.
 */
export async function measure_relay(
  kind: BrokerKind,
  { rounds, run_ms }: CapacitySettings,
): Promise<RelayCost[]> {
  const broker = await start_broker(kind)
  const circles = await Promise.all(RECEIVERS.map(count => circle_of(kind, broker.port, count)))
  const tries = circles.flatMap(circle => LOADS.map(load => ({ circle, load, us: [] as number[] })))
  // By turns, so that a slow minute of the machine is everybody's.
  for (let round = 0; round < rounds; round += 1)
    for (const { circle, load, us } of tries) us.push(await run(kind, broker, circle, load, run_ms))
  for (const { publisher, receivers } of circles)
    for (const client of [publisher, ...receivers]) client.close()
  await broker.stop()
  return tries.map(({ circle, load, us }) => ({
    load,
    receivers: circle.receivers.length,
    broker_us: median(us),
  }))
}

async function circle_of(kind: BrokerKind, port: number, count: number): Promise<Circle> {
  const { hello, subscribe } = WORDS[kind]
  const topic = `to-${count}`
  const receivers = Array.from({ length: count }, () => PlainClient.open(port, hello + subscribe(topic)))
  return { topic, publisher: await PlainClient.open(port, hello), receivers: await Promise.all(receivers) }
}

/** What one message took, of as many as went round in that time. */
async function run(
  kind: BrokerKind,
  broker: Broker,
  { topic, publisher, receivers }: Circle,
  load: Load,
  run_ms: number,
): Promise<number> {
  const { publish, message } = WORDS[kind]
  const at_once = load === 'busy' ? BUSY_WINDOW : 1
  const window = publish(topic, PAYLOAD).repeat(at_once)
  const window_bytes = message(topic, PAYLOAD).length * at_once
  const before_us = broker.cpu_us() ?? Number.NaN
  let messages = 0
  for (const end_ms = performance.now() + run_ms; performance.now() < end_ms; messages += at_once) {
    const heard = receivers.map(client => client.hear(window_bytes))
    await Promise.all([publisher.say(window), ...heard])
    if (load === 'lone') await setTimeout(LONE_GAP_MS)
  }
  return ((broker.cpu_us() ?? Number.NaN) - before_us) / messages
}
