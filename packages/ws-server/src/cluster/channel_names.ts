/** The names that topics have with a broker. */
export class ChannelNames {
  /** The one that every server is subscribed to. */
  readonly all: string
  readonly #topic_prefix: string

  /** `prefix`: what all names begin with. */
  constructor(prefix: string) {
    this.all = `${prefix}.all`
    this.#topic_prefix = `${prefix}.topic.`
  }

  /** The channel of a topic; of `undefined`, the one that is for all. */
  of(topic: string | undefined): string {
    return topic === undefined ? this.all : this.#topic_prefix + encode(topic)
  }

  /** For whom a channel is: a topic, or all if that is `undefined`. Returns `undefined` for a name that {@link ChannelNames.of} never gives. */
  addressee(channel: string): { readonly topic: string | undefined } | undefined {
    if (channel === this.all) return { topic: undefined }
    if (!channel.startsWith(this.#topic_prefix)) return undefined
    try {
      return { topic: decodeURIComponent(channel.slice(this.#topic_prefix.length)) }
    } catch {
      return undefined
    }
  }
}

/** A name that every broker takes, without a meaning to any: letters, digits, `-`, `_` and `%`. */
function encode(topic: string): string {
  // With a prefix that is that of these topics, it would be the channel for all.
  if (topic === 'all') return '%61ll'
  return encodeURIComponent(topic).replace(
    /[.!~*'()]/g,
    letter => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
