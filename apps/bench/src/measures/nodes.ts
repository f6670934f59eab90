import { type Broker, start_broker } from '../process/broker.js'
import type { Program } from '../process/program.js'
import type { NodeSettings } from '../subjects/node_subject.js'
import { broker_of, start_subject } from '../subjects/subjects.js'
import { type Figures, type MeasuredLoad, open_load, type Stage } from './measure.js'

/** What all sockets are in. */
export const TOPIC = 'room'

/** Two nodes of a subject, and their broker: one has all sockets, the other publishes. */
export interface TwoNodes {
  readonly publisher: Program
  readonly broker: Broker
  /** Where sockets connect to. */
  readonly port: number
}

/** Starts a broker, and two nodes on it: the stage's own program will have the sockets. They end with that. */
export async function start_nodes(stage: Stage): Promise<TwoNodes> {
  const { subject, program, cores, until_stopped } = stage
  const broker = until_stopped(await start_broker(broker_of(subject)))
  const publisher = until_stopped(start_subject(subject, 'node', cores.subject))
  const settings: NodeSettings = { broker_url: broker.url, topics: [TOPIC] }
  const [port] = await Promise.all([program, publisher].map(node => node.call<number>('open', settings)))
  return { publisher, broker, port: port as number }
}

/** Opens so many sockets that join the topic; settles when all have. */
export async function open_members(stage: Stage, { port }: TwoNodes, count: number): Promise<void> {
  await open_load(stage, port, count)
  await stage.program.call('joined', { count })
}

/** Closes them; settles when the node knows. */
export async function close_members({ load, program }: Stage): Promise<void> {
  await load.call('close')
  await program.call('joined', { count: 0 })
}

/**
 * Lets a load run, and tells what CPU time the publishing node and the broker took for each message that was published, `audience` being how many
 * got each. The broker runs on the core of the load, so its time is counted with that of the load.
 */
export async function with_cpu_of_others(
  { publisher, broker }: TwoNodes,
  audience: number,
  run: () => Promise<MeasuredLoad>,
): Promise<MeasuredLoad & Figures> {
  const broker_before_us = broker.cpu_us()
  const publisher_before_us = await publisher.call<number>('cpu')
  const result = await run()
  const publisher_us = (await publisher.call<number>('cpu')) - publisher_before_us
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
