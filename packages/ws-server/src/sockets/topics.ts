import { NetError } from '@bt/ws-protocol'
import { describe_count, describe_value } from '@bt/ws-protocol/internal'

const MAX_TOPIC_BYTES = 255
/** Control characters, and lone surrogates, which UTF-8 can't encode. */
const FORBIDDEN = /[\p{Cc}\p{Cs}]/u

/**
 * Checks the name of a topic.
 *
 * @throws NetError `invalid_argument` unless it is text of 1 to 255 bytes as UTF-8, without control
 * characters
 */
export function check_topic(call: 'join' | 'leave' | 'publish', topic: unknown): asserts topic is string {
  const is_topic =
    typeof topic === 'string' &&
    topic !== '' &&
    Buffer.byteLength(topic) <= MAX_TOPIC_BYTES &&
    !FORBIDDEN.test(topic)
  if (is_topic) return
  throw new NetError(
    'invalid_argument',
    `${call} got ${describe_value(topic)} as the topic: expected text of 1 to ${MAX_TOPIC_BYTES} bytes as UTF-8, without control characters`,
  )
}

/** What {@link Topics} report to the cluster. */
export interface TopicEvents {
  /** Called when a topic has got its first member, or lost its last one. */
  topic_changed(topic: string): void
  /** Resolves when messages of other servers to a topic arrive here, or with the error that prevents it. */
  until_subscribed(topic: string): Promise<true | NetError>
}

/**
 * The members of each topic, and the topics of each member. Neither a member without topics nor a topic
 * without members takes memory.
 */
export class Topics<Member> {
  readonly #members = new Map<string, Set<Member>>()
  readonly #joined = new Map<Member, Set<string>>()
  readonly #max_per_member: number
  readonly #events: TopicEvents | undefined

  /** `max_per_member` limits the topics that a member may be in. */
  constructor(max_per_member: number, events?: TopicEvents) {
    this.#max_per_member = max_per_member
    this.#events = events
  }

  /** The number of topics with members. */
  get size(): number {
    return this.#members.size
  }

  /**
   * Adds a member to a topic. This takes effect at once, and joining again is fine. Resolves with `true` when
   * messages of other servers arrive as well, or with an error, such as `too_many_topics`.
   */
  join(member: Member, topic: string): Promise<true | NetError> {
    const joined = this.#joined.get(member)
    if (joined === undefined) this.#joined.set(member, new Set([topic]))
    else if (joined.size >= this.#max_per_member && !joined.has(topic))
      return Promise.resolve(too_many_topics(topic, this.#max_per_member))
    else joined.add(topic)
    this.#add(member, topic)
    return this.#events?.until_subscribed(topic) ?? Promise.resolve(true)
  }

  /** Removes a member from a topic, and returns whether it was in it. */
  leave(member: Member, topic: string): boolean {
    const joined = this.#joined.get(member)
    if (joined === undefined || !joined.delete(topic)) return false
    if (joined.size === 0) this.#joined.delete(member)
    this.#remove(member, topic)
    return true
  }

  /**
   * Removes a member that has ended from its topics, but remembers for {@link Topics.of} which ones they
   * were.
   */
  ended(member: Member): void {
    for (const topic of this.#joined.get(member) ?? []) this.#remove(member, topic)
  }

  /** Forgets the topics of a member that has ended. */
  forget(member: Member): void {
    this.#joined.delete(member)
  }

  /** Returns the members of a topic, or `undefined` if there are none. */
  members(topic: string): ReadonlySet<Member> | undefined {
    return this.#members.get(topic)
  }

  /** Returns a copy of the topics that a member is in, or was in when it ended. */
  of(member: Member): Set<string> {
    return new Set(this.#joined.get(member))
  }

  /** Returns the topics with members. */
  names(): Iterable<string> {
    return this.#members.keys()
  }

  /** Returns a copy of the number of members of each topic. */
  counts(): Map<string, number> {
    return new Map(Array.from(this.#members, ([topic, { size }]) => [topic, size]))
  }

  #add(member: Member, topic: string): void {
    const members = this.#members.get(topic)
    if (members === undefined) {
      this.#members.set(topic, new Set([member]))
      this.#events?.topic_changed(topic)
    } else members.add(member)
  }

  #remove(member: Member, topic: string): void {
    const members = this.#members.get(topic)
    if (members === undefined || !members.delete(member) || members.size > 0) return
    this.#members.delete(topic)
    this.#events?.topic_changed(topic)
  }
}

function too_many_topics(topic: string, max: number): NetError {
  return new NetError(
    'too_many_topics',
    `join ${describe_value(topic)} found the socket in ${describe_count(max, 'topic')}, as many as max_topics allows; have it leave some, or raise the option`,
  )
}
