import type { ReceiptTimes } from '../load/receipts.js'
import { type Broker, start_broker } from '../process/broker.js'
import type { Program } from '../process/program.js'
import type { CaseFigures, Figures } from '../results.js'
import { quantile } from '../statistics.js'
import type { NodeSettings, Published } from '../subjects/node_subject.js'
import { broker_of, start_subject } from '../subjects/subjects.js'
import { SMALL_TEXT } from '../wire/message.js'
import { audience_case, burst_group, measure_bursts } from './fan_out.js'
import {
  cpu_during,
  type Measure,
  type MeasuredLoad,
  open_load,
  SCHEDULE_SEED,
  type Stage,
  with_cpu_of,
} from './measure.js'

interface ClusterBurst {
  readonly group: string
  readonly burst: number
  readonly is_spread: boolean
}

/**
 * The bursts: how many messages are published at once, and whether each has its own turn of the event loop.
 */
export const CLUSTER_BURSTS: readonly ClusterBurst[] = [
  { group: burst_group(1), burst: 1, is_spread: false },
  { group: '16 messages, each in a turn', burst: 16, is_spread: true },
  { group: burst_group(16), burst: 16, is_spread: false },
]

/** A rate at which no process is near its maximum, with 1,000 sockets per message. */
const PUBLISHES_PER_S = 25

/** The group of the figures at this rate. */
export const RATE_GROUP: string = `${PUBLISHES_PER_S} messages a second`

/** Two nodes of a subject with their broker: one has all sockets, the other publishes. */
interface TwoNodes {
  readonly publisher: Program
  readonly broker: Broker
  /** The port of the node with the sockets. */
  readonly port: number
}

/**
 * Measures the CPU time and the delay of messages that are published on one server for many sockets on
 * another.
 */
export const cluster: Measure = {
  name: 'cluster',
  role: 'node',
  needs_fresh_process: false,
  applies_to: () => true,
  start: async stage => {
    const { program, load, settings } = stage
    const audience = settings.cluster_audience
    const nodes = await start_nodes(stage)
    const { publisher, port } = nodes
    const trigger_port = await publisher.call<number>('listen_for_trigger')
    const measured = (run: () => Promise<MeasuredLoad>): Promise<Figures> =>
      with_cpu_of(stage, () => with_cpu_of_others(nodes, audience, run), [publisher])
    return async () => {
      const results: CaseFigures[] = []
      const case_name = audience_case(audience)
      await open_load(stage, port, audience)
      await program.call('joined', { count: audience })
      for (const { group, burst, is_spread } of CLUSTER_BURSTS) {
        await publisher.call('prepare', { shape: SMALL_TEXT, burst, is_spread })
        const figures = await measure_bursts(stage, trigger_port, burst, measured)
        results.push({ group, case_name, figures })
      }
      const figures = await measure_receipts(stage, nodes, audience)
      results.push({ group: RATE_GROUP, case_name, figures })
      await load.call('close')
      await program.call('joined', { count: 0 })
      return results
    }
  },
}

/**
 * Starts a broker and a publishing node, which stop with the stage's own program, the node with the sockets.
 */
async function start_nodes({ subject, program, cores, stop_with_subject }: Stage): Promise<TwoNodes> {
  const broker = stop_with_subject(await start_broker(broker_of(subject)))
  const publisher = stop_with_subject(start_subject(subject, 'node', cores.subject))
  const settings: NodeSettings = { broker_url: broker.url, topic: 'room' }
  const [port] = await Promise.all([program, publisher].map(node => node.call<number>('open', settings)))
  return { publisher, broker, port: port as number }
}

/**
 * Runs a load, and adds the CPU time of the publishing node and of the broker per published message, which
 * `audience` sockets receive. The broker runs on the core of the load, so its CPU time is added to that of
 * the load.
 */
async function with_cpu_of_others(
  { publisher, broker }: TwoNodes,
  audience: number,
  run: () => Promise<MeasuredLoad>,
): Promise<MeasuredLoad & Figures> {
  const broker_before_us = broker.cpu_us()
  const publisher_before_us = await publisher.cpu_us()
  const result = await run()
  const publisher_us = (await publisher.cpu_us()) - publisher_before_us
  const broker_us = broker.cpu_us()
  const publishes = result.messages / audience
  return {
    ...result,
    publisher_us_per_publish: publisher_us / publishes,
    ...(broker_us !== undefined &&
      broker_before_us !== undefined && {
        load_cpu_us: result.load_cpu_us + broker_us - broker_before_us,
        broker_us_per_publish: (broker_us - broker_before_us) / publishes,
      }),
  }
}

/** Measures the time from publishing on one node to the receipt by each socket on the other. */
function measure_receipts(stage: Stage, nodes: TwoNodes, audience: number): Promise<Figures> {
  const { load, settings } = stage
  const { publisher } = nodes
  const { settle_ms, latency_ms: run_ms } = settings
  const schedule = { messages_per_s: PUBLISHES_PER_S, settle_ms, run_ms, seed: SCHEDULE_SEED }
  return stage.least_disturbed(async () => {
    let published: Published = { at_us: [], late_us: [], first: 0 }
    const run = async (): Promise<MeasuredLoad> => {
      await load.call('expect', { shape: SMALL_TEXT })
      published = await publisher.call('publish_on_schedule', { shape: SMALL_TEXT, ...schedule }, run_ms)
      return load.call('received', { messages: published.at_us.length * audience })
    }
    const cpu = await cpu_during(stage, () => with_cpu_of_others(nodes, audience, run), [publisher])
    const { at_us, late_us, first } = published
    const times = await load.call<ReceiptTimes>('receipt_times', { published_us: at_us, first })
    const late_p99_us = quantile(Float64Array.from(late_us.slice(first)).sort(), 0.99)
    return { ...cpu, ...times, publisher_late_p99_us: late_p99_us, rate_per_s: PUBLISHES_PER_S }
  })
}
