/** What one end of a conversation knows about its messages. */
export interface ConversationRecord {
  /** How many messages were accepted; their numbers are 0 and so on. */
  readonly accepted: number
  /** How many messages were not accepted. */
  readonly rejected: number
  /** How many messages were counted as unsent when connections ended. */
  readonly unsent: number
  /** The messages that were not acknowledged when their connection ended: they may have arrived or not. */
  readonly doubtful: readonly number[]
  /** The numbers of the messages that arrived, in order of arrival. */
  readonly received: readonly number[]
}

/** What became of the messages of one direction. */
export interface Account {
  readonly accepted: number
  readonly rejected: number
  readonly delivered: number
  readonly delivered_twice: number
  readonly out_of_order: number
  /** Messages that did not arrive, and were counted as unsent. */
  readonly lost_unsent: number
  /** Messages that did not arrive although the network had taken them; none was acknowledged. */
  readonly lost_on_the_way: number
  /** Messages that arrived, but whose acknowledgement was lost. */
  readonly delivered_in_doubt: number
  /** The numbers of messages that were lost without any sign: there must not be any. */
  readonly unexplained: readonly number[]
}

/**
 * One end of a conversation, which outlives its connections: it numbers its messages, and each of them
 * acknowledges those that have arrived since the last one.
 */
export class Conversation {
  #accepted = 0
  #rejected = 0
  #unsent = 0
  readonly #unacknowledged = new Set<number>()
  readonly #doubtful = new Set<number>()
  readonly #received: number[] = []
  /** How many of the messages received were acknowledged. */
  #acknowledged = 0

  /** Sends the next message by `send`, which returns whether it was accepted. */
  say(send: (text: string) => boolean): void {
    const acknowledged = this.#received.slice(this.#acknowledged)
    if (!send(JSON.stringify([this.#accepted, ...acknowledged]))) {
      this.#rejected += 1
      return
    }
    this.#acknowledged = this.#received.length
    this.#unacknowledged.add(this.#accepted)
    this.#accepted += 1
  }

  /** Takes a message that has arrived. */
  hear(text: string): void {
    const [number, ...acknowledged] = JSON.parse(text) as [number, ...number[]]
    this.#received.push(number)
    for (const each of acknowledged) {
      this.#unacknowledged.delete(each)
      this.#doubtful.delete(each)
    }
  }

  /** Notes that an open connection has ended, with this many unsent messages. */
  lost(unsent: number): void {
    this.#unsent += unsent
    for (const number of this.#unacknowledged) this.#doubtful.add(number)
    this.#unacknowledged.clear()
  }

  get record(): ConversationRecord {
    return {
      accepted: this.#accepted,
      rejected: this.#rejected,
      unsent: this.#unsent,
      doubtful: [...this.#doubtful],
      received: this.#received,
    }
  }
}

/** Compares the records of both ends, and returns what became of the messages of the first one. */
export function account_for(sender: ConversationRecord, receiver: ConversationRecord): Account {
  const { accepted, rejected, unsent } = sender
  const arrived = new Set(receiver.received)
  const doubtful = new Set(sender.doubtful)
  const missing = Array.from({ length: accepted }, (_, number) => number).filter(each => !arrived.has(each))
  let highest = -1
  let out_of_order = 0
  for (const number of receiver.received) {
    if (number < highest) out_of_order += 1
    highest = Math.max(highest, number)
  }
  return {
    accepted,
    rejected,
    delivered: arrived.size,
    delivered_twice: receiver.received.length - arrived.size,
    out_of_order,
    lost_unsent: unsent,
    lost_on_the_way: missing.length - unsent,
    delivered_in_doubt: sender.doubtful.filter(each => arrived.has(each)).length,
    unexplained: missing.filter(each => !doubtful.has(each)),
  }
}
