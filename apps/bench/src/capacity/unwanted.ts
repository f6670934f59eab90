import type { Cores } from '../process/cores.js'
import type { Subject } from '../subjects/subjects.js'
import { Rig } from './rig.js'
import { topic_names } from './work.js'

/** What a node hears of messages that none of its sockets gets. */
export interface Unwanted {
  /** How many were published to topics that the node has no member of. */
  readonly messages: number
  /** All that the broker said to the node meanwhile, and until one more message had come that a socket of the node does get. */
  readonly heard: Buffer
  /** The same for such a message alone. */
  readonly wanted: Buffer
  /** The CPU time that the node took meanwhile, in microseconds. */
  readonly node_us: number
}

/** What they are published to: none of these is joined. */
const TOPICS: readonly string[] = topic_names(100)
/** What a socket of the node is in. */
const WANTED = 'wanted'

const MESSAGES_PER_S = 10_000
const SEED = 4_001
const [PUBLISHER, LISTENER] = [0, 1]

/**
 * Has one node publish so many messages to topics that another has no member of, and keeps what the broker says to that. It is all there: what the
 * one says reaches the other in order, and a message that is wanted comes last.
 */
export async function measure_unwanted(subject: Subject, cores: Cores, messages: number): Promise<Unwanted> {
  const rig = await Rig.full(subject, cores, [[], [WANTED]], LISTENER)
  const publish = (topics: readonly string[], count: number): ReturnType<Rig['run']> =>
    rig.run({
      publishers: [PUBLISHER],
      topics,
      messages_per_s: MESSAGES_PER_S,
      run_ms: (count / MESSAGES_PER_S) * 1000,
      seed: SEED,
    })
  // First, that everybody knows everybody, and code is compiled.
  await publish(TOPICS, messages / 10)
  await publish([WANTED], 1)
  rig.take_heard()
  const { publishes, node_us } = await publish(TOPICS, messages)
  await publish([WANTED], 1)
  const heard = rig.take_heard()
  await publish([WANTED], 1)
  const wanted = rig.take_heard()
  await rig.stop()
  return { messages: publishes, heard, wanted, node_us: node_us[LISTENER] as number }
}
