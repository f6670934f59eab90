import { fileURLToPath } from 'node:url'
import { type Broker, start_broker } from '../process/broker.js'
import type { Cores } from '../process/cores.js'
import { Program } from '../process/program.js'
import { Tap } from '../process/tap.js'
import type { NodeSettings } from '../subjects/node_subject.js'
import { broker_of, type Subject, start_subject } from '../subjects/subjects.js'
import { SMALL_TEXT } from '../wire/message.js'
import type { Work } from './model.js'
import { counts_of, type RunTask, schedule_of, sum_of, work_of } from './work.js'

/** What was done in a time, and what it took. */
export interface RunFigures extends Work {
  readonly elapsed_ms: number
  /** Of each node. */
  readonly node_us: readonly number[]
  readonly broker_us: number
  readonly broker_in_bytes: number
  readonly broker_out_bytes: number
}

interface Node {
  readonly program: Program
  readonly port: number
  /** Has its sockets, once there are any. */
  load: Program | undefined
  /** How many sockets are in each topic, once there are as many as topics. */
  readonly members: ReadonlyMap<string, number>
}

interface Times {
  readonly at_ms: number
  readonly node_us: readonly number[]
  readonly broker_us: number
}

/** Several nodes of a subject on one broker, with sockets that are in topics. The nodes share a core; broker and load share another. */
export class Rig {
  readonly broker: Broker
  readonly #subject: Subject
  readonly #cores: Cores
  readonly #tap: Tap | undefined
  readonly #nodes: readonly Node[]

  private constructor(
    subject: Subject,
    cores: Cores,
    broker: Broker,
    tap: Tap | undefined,
    nodes: readonly Node[],
  ) {
    this.#subject = subject
    this.#cores = cores
    this.broker = broker
    this.#tap = tap
    this.#nodes = nodes
  }

  /**
   * Starts a node for each list, whose sockets will join the topics in it, each one: the first the first, and so on, from the beginning again.
   * What the broker says to the node of the number `tapped` is kept.
   */
  static async start(
    subject: Subject,
    cores: Cores,
    placements: readonly (readonly string[])[],
    tapped?: number,
  ): Promise<Rig> {
    const broker = await start_broker(broker_of(subject))
    const tap = tapped === undefined ? undefined : await Tap.open(broker.port)
    const tapped_url = broker.url.replace(String(broker.port), String(tap?.port))
    const nodes = await Promise.all(
      placements.map(async (topics, number): Promise<Node> => {
        const program = start_subject(subject, 'node', cores.subject)
        const settings: NodeSettings = { broker_url: number === tapped ? tapped_url : broker.url, topics }
        const port = await program.call<number>('open', settings)
        return { program, port, load: undefined, members: counts_of(topics) }
      }),
    )
    return new Rig(subject, cores, broker, tap, nodes)
  }

  /** The same, with a socket for each entry of each list. */
  static async full(
    subject: Subject,
    cores: Cores,
    placements: readonly (readonly string[])[],
    tapped?: number,
  ): Promise<Rig> {
    const rig = await Rig.start(subject, cores, placements, tapped)
    for (const [number, { length }] of placements.entries())
      if (length > 0) await rig.open_sockets(number, length)
    return rig
  }

  /** Opens sockets to a node; settles when they have joined. */
  async open_sockets(number: number, count: number): Promise<void> {
    const node = this.#nodes[number] as Node
    node.load ??= start_load(this.#cores)
    const { dialect } = this.#subject
    await node.load.call('open', { port: node.port, dialect, with_compression: false, count })
    await node.program.call('joined', { count })
  }

  /** Closes all sockets of a node; settles when it knows. */
  async close_sockets(number: number): Promise<void> {
    const { load, program } = this.#nodes[number] as Node
    await load?.call('close')
    await program.call('joined', { count: 0 })
  }

  /** A node's program, to be told something. */
  node(number: number): Program {
    return (this.#nodes[number] as Node).program
  }

  /** What the broker has said to the node that is tapped since this was asked last. */
  take_heard(): Buffer {
    return this.#tap?.take() ?? Buffer.alloc(0)
  }

  /** Has nodes publish, and waits until all that are to get it have got it. */
  async run(task: RunTask): Promise<RunFigures> {
    const hears_itself = this.#subject.broker === 'redis'
    const work = work_of(
      task,
      this.#nodes.map(({ members }) => members),
      hears_itself,
    )
    await Promise.all(this.#nodes.map(({ load }) => load?.call('expect', { shape: SMALL_TEXT })))
    return this.#measure(sum_of(work), async () => {
      const publishing = task.publishers.map(number =>
        this.node(number).call(
          'publish_on_schedule',
          { shape: SMALL_TEXT, topics: task.topics, ...schedule_of(task, number) },
          task.run_ms,
        ),
      )
      await Promise.all(publishing)
      await Promise.all(
        this.#nodes.map(({ load }, number) =>
          load?.call('received', { messages: (work[number] as Work).deliveries }),
        ),
      )
    })
  }

  /** Lets nothing happen for a while. */
  idle(time_ms: number): Promise<RunFigures> {
    return this.during(() => new Promise(resolve => setTimeout(resolve, time_ms)))
  }

  /** Lets something happen besides publishing. */
  during(act: () => Promise<unknown>): Promise<RunFigures> {
    return this.#measure({ publishes: 0, heard: 0, deliveries: 0 }, act)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.flatMap(({ program, load }) => [program.stop(), load?.stop()]))
    await this.#tap?.stop()
    await this.broker.stop()
  }

  async #measure(work: Work, act: () => Promise<unknown>): Promise<RunFigures> {
    // Brokers take time to tell what has crossed them, which is not to be counted.
    const traffic_before = await this.broker.traffic()
    const before = await this.#times()
    await act()
    const after = await this.#times()
    const traffic = await this.broker.traffic()
    return {
      ...work,
      elapsed_ms: after.at_ms - before.at_ms,
      node_us: after.node_us.map((us, number) => us - (before.node_us[number] as number)),
      broker_us: after.broker_us - before.broker_us,
      broker_in_bytes: traffic.in_bytes - traffic_before.in_bytes,
      broker_out_bytes: traffic.out_bytes - traffic_before.out_bytes,
    }
  }

  async #times(): Promise<Times> {
    return {
      at_ms: performance.now(),
      broker_us: this.broker.cpu_us() ?? Number.NaN,
      node_us: await Promise.all(this.#nodes.map(({ program }) => program.call<number>('cpu'))),
    }
  }
}

function start_load({ load }: Cores): Program {
  const file = fileURLToPath(new URL('../../dist/load/main.js', import.meta.url))
  return new Program({ name: 'load', command: process.execPath, args: [file], core: load })
}
