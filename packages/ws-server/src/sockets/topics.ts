import { NetError } from '@bt/ws-protocol'
import { describe_count, describe_value } from '@bt/ws-protocol/internal'

const MOST_BYTES = 255
/** Control characters, and halves of pairs, which no UTF-8 has. */
const UNFIT = /[\p{Cc}\p{Cs}]/u

/**
 * Checks the name of a topic.
 *
 * @throws NetError `invalid_argument` unless it is text of 1 to 255 bytes as UTF-8, without control characters
 */
export function check_topic(call: 'join' | 'leave' | 'publish', topic: unknown): asserts topic is string {
  const is_topic =
    typeof topic === 'string' && topic !== '' && Buffer.byteLength(topic) <= MOST_BYTES && !UNFIT.test(topic)
  if (is_topic) return
  throw new NetError(
    'invalid_argument',
    `${call} got ${describe_value(topic)} as the topic: expected text of 1 to ${MOST_BYTES} bytes as UTF-8, without control characters`,
  )
}

/** Who has to know which topics somebody is in. */
export interface TopicEvents {
  /** The first has joined a topic, or the last has left it. */
  topic_changed(topic: string): void
  /** Settles when all who have to know do know that somebody is in a topic. */
  until_subscribed(topic: string): Promise<true | NetError>
}

/** Who is in which topic. Whoever is in none costs nothing, and neither does a topic that nobody is in. */
export class Topics<Member> {
  readonly #members = new Map<string, Set<Member>>()
  readonly #joined = new Map<Member, Set<string>>()
  readonly #most: number
  readonly #watch: TopicEvents | undefined

  /** `most`: how many topics a member may be in. */
  constructor(most: number, watch?: TopicEvents) {
    this.#most = most
    this.#watch = watch
  }

  /** How many topics there are with a member. */
  get size(): number {
    return this.#members.size
  }

  /**
   * Puts a member into a topic, at once; twice is fine. Settles when all who have to know do know, with `true`; or with an error, such as
   * `too_many_topics`.
   */
  join(member: Member, topic: string): Promise<true | NetError> {
    const joined = this.#joined.get(member)
    if (joined === undefined) this.#joined.set(member, new Set([topic]))
    else if (joined.size >= this.#most && !joined.has(topic))
      return Promise.resolve(too_many_topics(topic, this.#most))
    else joined.add(topic)
    this.#add(member, topic)
    return this.#watch?.until_subscribed(topic) ?? Promise.resolve(true)
  }

  /** Takes a member out of a topic; returns whether it was in it. */
  leave(member: Member, topic: string): boolean {
    const joined = this.#joined.get(member)
    if (joined === undefined || !joined.delete(topic)) return false
    if (joined.size === 0) this.#joined.delete(member)
    this.#remove(member, topic)
    return true
  }

  /** A member has ended: nothing reaches it any more. What it was in is told until it is forgotten. */
  ended(member: Member): void {
    for (const topic of this.#joined.get(member) ?? []) this.#remove(member, topic)
  }

  /** Nobody asks for a member that has ended any more. */
  forget(member: Member): void {
    this.#joined.delete(member)
  }

  /** Who is in a topic; `undefined` where nobody is. */
  members(topic: string): ReadonlySet<Member> | undefined {
    return this.#members.get(topic)
  }

  /** What a member is in, or was when it ended: a copy. */
  of(member: Member): Set<string> {
    return new Set(this.#joined.get(member))
  }

  /** The topics that somebody is in. */
  names(): Iterable<string> {
    return this.#members.keys()
  }

  /** How many members each topic has: a copy. */
  counts(): Map<string, number> {
    return new Map(Array.from(this.#members, ([topic, { size }]) => [topic, size]))
  }

  #add(member: Member, topic: string): void {
    const members = this.#members.get(topic)
    if (members === undefined) {
      this.#members.set(topic, new Set([member]))
      this.#watch?.topic_changed(topic)
    } else members.add(member)
  }

  #remove(member: Member, topic: string): void {
    const members = this.#members.get(topic)
    if (members === undefined || !members.delete(member) || members.size > 0) return
    this.#members.delete(topic)
    this.#watch?.topic_changed(topic)
  }
}

function too_many_topics(topic: string, most: number): NetError {
  return new NetError(
    'too_many_topics',
    `join ${describe_value(topic)} found the socket in ${describe_count(most, 'topic')}, as many as max_topics allows; have it leave some, or raise the option`,
  )
}
