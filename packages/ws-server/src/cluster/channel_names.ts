/** Maps topics to the names of their channels at the broker. */
export class ChannelNames {
  /** The channel that every server is subscribed to. */
  readonly all: string
  readonly #topic_prefix: string
  readonly #node_prefix: string

  constructor(prefix: string) {
    this.all = `${prefix}.all`
    this.#topic_prefix = `${prefix}.topic.`
    this.#node_prefix = `${prefix}.node.`
  }

  /** Returns the channel of a topic, or the one for all sockets if the topic is `undefined`. */
  of(topic: string | undefined): string {
    return topic === undefined ? this.all : this.#topic_prefix + encode(topic)
  }

  /** Returns the channel of what is for one server alone. */
  of_node(node: string): string {
    return this.#node_prefix + node
  }

  /**
   * Returns the topic of a channel, which is `undefined` for the channel of all sockets; or `undefined` for a
   * name that is not one of ours.
   */
  parse(channel: string): { readonly topic: string | undefined } | undefined {
    if (channel === this.all) return { topic: undefined }
    if (!channel.startsWith(this.#topic_prefix)) return undefined
    try {
      return { topic: decodeURIComponent(channel.slice(this.#topic_prefix.length)) }
    } catch {
      return undefined
    }
  }
}

/**
 * Encodes a topic with characters that have no special meaning at any broker: letters, digits, `-`, `_` and
 * `%`.
 */
function encode(topic: string): string {
  // Unencoded, it would be the channel of all sockets of a cluster whose prefix is `<our prefix>.topic`.
  if (topic === 'all') return '%61ll'
  return encodeURIComponent(topic).replace(
    /[.!~*'()]/g,
    letter => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
