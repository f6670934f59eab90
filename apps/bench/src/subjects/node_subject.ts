import { cpu_us, obey } from '../process/commands.js'
import type { ScheduleTask } from '../schedule.js'
import { payload_of, type Shape } from '../wire/message.js'
import { Members } from './members.js'
import { memory_in_use } from './memory.js'
import { publish_on_schedule } from './publish_schedule.js'
import { repeated } from './server_subject.js'
import { listen_for_trigger } from './trigger.js'

/** How a node of a cluster is started. */
export interface NodeSettings {
  readonly broker_url: string
  /** What sockets join, each one topic: the first the first, the next the next, and so on, from the beginning again; none where there are none. */
  readonly topics: readonly string[]
}

/** A server that is one of several, joined by a broker: what each subject does in its own words. */
export interface NodeSubject {
  /**
   * Starts to listen on a free port of 127.0.0.1, and returns that port. Each socket joins the topic that `topic_of` says, if any; `members` is told when
   * it has, and when it leaves.
   */
  open(broker_url: string, topic_of: () => string | undefined, members: Members): Promise<number>
  /** Has one socket join these topics as well; settles when it has. */
  join_all(topics: readonly string[]): Promise<void>
  /** Settles when what is published from then on reaches all that have joined so far. */
  subscribed(): Promise<void>
  /** Sends a text to whoever is in a topic, on whatever node. */
  publish(topic: string, text: string): void
}

/** What is published to a topic whenever the load asks for it: so many messages in one turn of the event loop, or one in each of so many turns. */
interface BurstSettings {
  readonly shape: Shape
  readonly burst: number
  readonly topic: string
  readonly is_spread: boolean
}

/** Runs a node as a process of the bench. */
export function serve_node(subject: NodeSubject): void {
  const members = new Members()
  let publish_burst = (): void => {}
  obey({
    open: ({ broker_url, topics }: NodeSettings) => {
      let arrived = 0
      return subject.open(broker_url, () => topics[arrived++ % topics.length], members)
    },
    joined: async ({ count }: { count: number }) => {
      await members.reach(count)
      await subject.subscribed()
    },
    join_all: ({ topics }: { topics: string[] }) => subject.join_all(topics),
    listen_for_trigger: () => listen_for_trigger(() => publish_burst()),
    prepare: ({ shape, burst, topic, is_spread }: BurstSettings) => {
      const text = payload_of(shape).toString()
      const publish = (): void => subject.publish(topic, text)
      publish_burst = is_spread ? () => publish_turn_by_turn(burst, publish) : repeated(burst, publish)
    },
    publish_on_schedule: ({ shape, topics, ...task }: ScheduleTask & { shape: Shape; topics: string[] }) => {
      const text = payload_of(shape).toString()
      return publish_on_schedule(task, topics.length, topic => subject.publish(topics[topic] as string, text))
    },
    cpu: cpu_us,
    memory: memory_in_use,
  })
}

function publish_turn_by_turn(left: number, publish: () => void): void {
  publish()
  if (left > 1) setImmediate(publish_turn_by_turn, left - 1, publish)
}
