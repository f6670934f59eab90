import { cpu_us, handle_commands, now_us } from '../process/commands.js'
import { first_counted_index, make_schedule, type ScheduleTask } from '../schedule.js'
import { payload_of, type Shape } from '../wire/message.js'
import { listen_for_trigger, repeated } from './server_subject.js'

/** How a node of a cluster is started. */
export interface NodeSettings {
  readonly broker_url: string
  /** The topic that every socket joins. */
  readonly topic: string
}

/** A node of a cluster, which each subject implements with its own library. */
export interface NodeSubject {
  /**
   * Listens on a free port of 127.0.0.1, and resolves with the port. Each socket joins the topic, and
   * `members` counts the sockets that have joined.
   */
  open(settings: NodeSettings, members: Members): Promise<number>
  /** Resolves when a published message will reach all sockets that have joined so far. */
  subscribed(): Promise<void>
  /** Sends a text to all sockets in the topic, on all nodes. */
  publish(topic: string, text: string): void
}

/** The messages of each burst, which are published in one turn of the event loop, or each in its own turn. */
interface BurstSettings {
  readonly shape: Shape
  readonly burst: number
  readonly is_spread: boolean
}

/** When messages were published. */
export interface Published {
  /** By the clock that all processes share. */
  readonly at_us: readonly number[]
  /** The index of the first message that counts. */
  readonly first: number
  /** How long after they were due the messages were published. */
  readonly late_us: readonly number[]
}

/** Runs a node as a process of the bench. */
export function run_node(subject: NodeSubject): void {
  const members = new Members()
  let topic = ''
  let publish_burst = (): void => {}
  const publisher_of = (shape: Shape): (() => void) => {
    const text = payload_of(shape).toString()
    return () => subject.publish(topic, text)
  }
  handle_commands({
    open: (settings: NodeSettings) => {
      topic = settings.topic
      return subject.open(settings, members)
    },
    joined: async ({ count }: { count: number }) => {
      await members.reach(count)
      await subject.subscribed()
    },
    listen_for_trigger: () => listen_for_trigger(() => publish_burst()),
    prepare: ({ shape, burst, is_spread }: BurstSettings) => {
      const publish = publisher_of(shape)
      publish_burst = is_spread ? () => publish_turn_by_turn(burst, publish) : repeated(burst, publish)
    },
    publish_on_schedule: ({ shape, ...task }: ScheduleTask & { shape: Shape }) =>
      publish_on_schedule(task, publisher_of(shape)),
    cpu: cpu_us,
  })
}

function publish_turn_by_turn(left: number, publish: () => void): void {
  publish()
  if (left > 1) setImmediate(publish_turn_by_turn, left - 1, publish)
}

/** Publishes by a schedule, without waiting for earlier messages. */
export function publish_on_schedule(task: ScheduleTask, publish: () => void): Promise<Published> {
  const schedule = make_schedule(task, 1)
  const { due_ms } = schedule
  const at_us: number[] = []
  const late_us: number[] = []
  const start_us = now_us()
  const due_us = (index: number): number => start_us + (due_ms[index] as number) * 1000
  return new Promise(resolve => {
    const publish_due_messages = (): void => {
      for (let now = now_us(); at_us.length < due_ms.length && due_us(at_us.length) <= now; now = now_us()) {
        late_us.push(now - due_us(at_us.length))
        at_us.push(now)
        publish()
      }
      if (at_us.length === due_ms.length)
        resolve({ at_us, late_us, first: first_counted_index(schedule, task.settle_ms) })
      else setTimeout(publish_due_messages, (due_us(at_us.length) - now_us()) / 1000)
    }
    publish_due_messages()
  })
}

/** Counts the sockets that have joined. */
export class Members {
  #count = 0
  #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  joined(): void {
    this.#change(1)
  }

  left(): void {
    this.#change(-1)
  }

  /** Resolves when there are exactly `count`. */
  async reach(count: number): Promise<void> {
    if (this.#count !== count) await new Promise<void>(resolve => this.#waiting.push({ count, resolve }))
  }

  #change(by: number): void {
    this.#count += by
    for (const { count, resolve } of this.#waiting) if (count === this.#count) resolve()
    this.#waiting = this.#waiting.filter(({ count }) => count !== this.#count)
  }
}
