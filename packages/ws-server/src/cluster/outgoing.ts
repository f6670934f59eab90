import type { ClusterLink } from '@bt/ws-protocol/broker'
import { BATCH_BYTES, type Clock, type SharedBatch } from '@bt/ws-protocol/internal'
import type { ChannelNames } from './channel_names.js'
import { type EnvelopeCodec, envelope_size } from './envelope.js'
import { ReplyTimeout } from './reply_timeout.js'

/** So much may be with the broker that it has not said it has taken: what is lost with a connection is no more. */
const WINDOW_BYTES = 1_048_576

/** What keeping a parcel takes besides its bytes: counted, since many small ones would else fill the memory. */
const PARCEL_COST_BYTES = 256

/** What was published to one topic in this turn. */
interface Turn {
  readonly frames: SharedBatch[]
  frame_bytes: number
  messages: number
}

/** Messages of one channel that cross the broker together. */
interface Parcel {
  readonly channel: string
  readonly bytes: Uint8Array
  readonly messages: number
  /** What it counts in the queue. */
  readonly cost_bytes: number
  next: Parcel | undefined
}

/** What the broker was handed, and has not yet said that it has taken. */
interface UnderWay {
  messages: number
  cost_bytes: number
}

/** What an {@link Outgoing} needs to know, and whom it tells. */
export interface OutgoingSettings {
  /** How much may wait, in bytes. */
  readonly max_cluster_queue: number
  /** Writes what crosses the broker. */
  readonly codec: EnvelopeCodec
  /** The names of what crosses the broker. */
  readonly channels: ChannelNames
  /** Time, and timers. */
  readonly clock: Clock
  /** Runs a task when the running callback is done. */
  soon(task: () => void): void
  /** A message had waited, and turns out to be larger than the broker takes. */
  dropped(size_bytes: number): void
  /** The connection to the broker is of no use any more. */
  failed(error: Error): void
}

/**
 * What goes to the other servers: the messages of a turn together, one parcel for each topic, in order; as much at once as the broker is known
 * to take, and the rest, or all while there is no broker, waits in a queue that is bounded in bytes.
 */
export class Outgoing {
  readonly #settings: OutgoingSettings
  readonly #patience: ReplyTimeout
  readonly #turns = new Map<string | undefined, Turn>()
  #is_end_due = false
  #first: Parcel | undefined
  #last: Parcel | undefined
  #bytes = 0
  #link: ClusterLink | undefined
  /** Whether what waits goes out. */
  #is_flowing = false
  /** The most bytes of one parcel that the broker takes, as far as that is known. */
  #most_bytes = Number.POSITIVE_INFINITY
  /** What the broker is asked about, and what it was handed since. */
  #asked: UnderWay | undefined
  #since: UnderWay | undefined
  #tell_empty: (() => void) | undefined
  /** Messages that the broker has taken. */
  published = 0
  /** Messages that were dropped, or were with the broker when its connection was lost, of which nobody knows whether they arrived. */
  lost = 0

  constructor(settings: OutgoingSettings) {
    this.#settings = settings
    this.#patience = new ReplyTimeout(settings.clock, settings.failed)
  }

  /** Bytes that the broker has not said it has taken. */
  get bytes(): number {
    return this.#bytes
  }

  /** The most bytes of frames that a message may have, as far as that is known. */
  get most_frame_bytes(): number {
    return this.#most_bytes - envelope_size(0)
  }

  /** Takes a message for a topic, or for all; or says why not: it is larger than the broker takes, or too much waits. */
  put(topic: string | undefined, frame: SharedBatch): 'taken' | 'too_large' | 'full' {
    if (frame.frame_bytes > this.most_frame_bytes) return 'too_large'
    const turn = this.#turns.get(topic)
    const cost_bytes = frame.frame_bytes + (turn === undefined ? PARCEL_COST_BYTES : 0)
    if (this.#bytes + cost_bytes > this.#settings.max_cluster_queue) return 'full'
    this.#bytes += frame.frame_bytes
    const most_bytes = Math.min(BATCH_BYTES, this.most_frame_bytes)
    if (turn !== undefined && turn.frame_bytes + frame.frame_bytes > most_bytes) this.#pack(topic, turn)
    this.#add(topic, frame)
    if (!this.#is_end_due) {
      this.#is_end_due = true
      this.#settings.soon(() => {
        this.#is_end_due = false
        this.#end_turn()
      })
    }
    return 'taken'
  }

  /** Says something besides messages, where there is a broker. */
  tell(channel: string, bytes: Uint8Array): void {
    if (this.#link === undefined) return
    this.#hand_over(this.#link, channel, bytes)
    this.#ask_if_due(this.#link)
  }

  /** There is a broker. */
  attach(link: ClusterLink): void {
    this.#link = link
    this.#most_bytes = link.max_bytes
  }

  /** All are there who were before: what waits goes out, in order, and from now on whatever is published. */
  flow(): void {
    this.#is_flowing = true
    this.#send()
  }

  /** The broker is gone. Returns how many messages were under way, which may not have arrived. */
  detach(): number {
    const messages = (this.#asked?.messages ?? 0) + (this.#since?.messages ?? 0)
    this.#bytes -= (this.#asked?.cost_bytes ?? 0) + (this.#since?.cost_bytes ?? 0)
    this.lost += messages
    this.#asked = this.#since = this.#link = undefined
    this.#is_flowing = false
    this.#patience.end()
    this.#tell_if_empty()
    return messages
  }

  /** Settles when the broker has taken everything, or is gone. */
  emptied(): Promise<void> {
    this.#end_turn()
    return new Promise(resolve => {
      this.#tell_empty = resolve
      this.#tell_if_empty()
    })
  }

  /** Throws away what waits; returns how many messages that were. */
  drop(): number {
    this.#end_turn()
    let messages = 0
    for (let parcel = this.#first; parcel !== undefined; parcel = parcel.next) {
      messages += parcel.messages
      this.#bytes -= parcel.cost_bytes
    }
    this.#first = this.#last = undefined
    this.lost += messages
    return messages
  }

  #add(topic: string | undefined, frame: SharedBatch): void {
    const turn = this.#turns.get(topic)
    if (turn === undefined) {
      frame.hold()
      this.#bytes += PARCEL_COST_BYTES
      this.#turns.set(topic, { frames: [frame], frame_bytes: frame.frame_bytes, messages: frame.messages })
      return
    }
    const joined = turn.frames.at(-1)?.joined_by(frame)
    if (joined === undefined) {
      frame.hold()
      turn.frames.push(frame)
    } else turn.frames[turn.frames.length - 1] = joined
    turn.frame_bytes += frame.frame_bytes
    turn.messages += frame.messages
  }

  #end_turn(): void {
    for (const [topic, turn] of this.#turns) this.#pack(topic, turn)
    this.#send()
  }

  #pack(topic: string | undefined, { frames, frame_bytes, messages }: Turn): void {
    const { codec, channels } = this.#settings
    this.#turns.delete(topic)
    const channel = channels.of(topic)
    const bytes = codec.messages(frames, frame_bytes)
    for (const batch of frames) batch.release()
    const parcel = { channel, bytes, messages, cost_bytes: frame_bytes + PARCEL_COST_BYTES, next: undefined }
    if (this.#last === undefined) this.#first = parcel
    else this.#last.next = parcel
    this.#last = parcel
  }

  #send(): void {
    const link = this.#link
    // A broker may change it while it is at work.
    if (link !== undefined) this.#most_bytes = link.max_bytes
    if (link !== undefined && this.#is_flowing) {
      while (this.#first !== undefined && this.#under_way_bytes < WINDOW_BYTES) {
        const parcel = this.#first
        this.#first = parcel.next
        if (this.#first === undefined) this.#last = undefined
        if (parcel.bytes.length > this.#most_bytes) this.#drop_one(parcel)
        else this.#hand_over(link, parcel.channel, parcel.bytes, parcel.messages, parcel.cost_bytes)
      }
    }
    if (link !== undefined) this.#ask_if_due(link)
    this.#tell_if_empty()
  }

  #drop_one({ bytes, messages, cost_bytes }: Parcel): void {
    this.#bytes -= cost_bytes
    this.lost += messages
    this.#settings.dropped(bytes.length - envelope_size(0))
  }

  get #under_way_bytes(): number {
    return (this.#asked?.cost_bytes ?? 0) + (this.#since?.cost_bytes ?? 0)
  }

  #hand_over(link: ClusterLink, channel: string, bytes: Uint8Array, messages = 0, cost_bytes = 0): void {
    link.publish(channel, bytes)
    this.#since ??= { messages: 0, cost_bytes: 0 }
    this.#since.messages += messages
    this.#since.cost_bytes += cost_bytes
  }

  /** Asks whether the broker has taken what it was handed; only one question is under way at a time. */
  #ask_if_due(link: ClusterLink): void {
    if (this.#asked !== undefined || this.#since === undefined) return
    this.#asked = this.#since
    this.#since = undefined
    this.#patience.begin()
    link.sync().then(
      () => this.#answered(link),
      (error: Error) => {
        if (this.#link === link) this.#settings.failed(error)
      },
    )
  }

  #answered(link: ClusterLink): void {
    if (this.#link !== link) return
    this.#patience.end()
    this.published += this.#asked?.messages ?? 0
    this.#bytes -= this.#asked?.cost_bytes ?? 0
    this.#asked = undefined
    this.#send()
  }

  #tell_if_empty(): void {
    const is_empty = this.#first === undefined && this.#asked === undefined && this.#since === undefined
    if (is_empty || this.#link === undefined) this.#tell_empty?.()
  }
}
