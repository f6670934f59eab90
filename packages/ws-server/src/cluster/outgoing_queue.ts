import type { ClusterLink } from '@bt/ws-protocol/broker'
import { BATCH_BYTES, type Clock, type SharedBatch } from '@bt/ws-protocol/internal'
import type { ChannelNames } from './channel_names.js'
import { type EnvelopeCodec, envelope_size } from './envelope.js'
import { ReplyTimeout } from './reply_timeout.js'

/**
 * The limit of bytes that are sent before the broker confirms them, and with it of what a lost connection can
 * lose.
 */
const WINDOW_BYTES = 1_048_576

/**
 * The memory that a queued envelope takes besides its bytes. It counts, because many small envelopes could
 * fill the memory otherwise.
 */
const ENVELOPE_OVERHEAD_BYTES = 256

/** The messages published to one topic in this turn. */
interface TurnMessages {
  readonly frames: SharedBatch[]
  frame_bytes: number
  messages: number
}

/** An encoded envelope with messages for one channel, in a linked list. */
interface QueuedEnvelope {
  readonly channel: string
  readonly bytes: Uint8Array
  readonly messages: number
  /** The bytes that it counts against the limit of the queue. */
  readonly cost_bytes: number
  next: QueuedEnvelope | undefined
}

/** Messages that were sent to the broker, and that it has not confirmed yet. */
interface Unconfirmed {
  messages: number
  cost_bytes: number
}

/** The settings of an {@link OutgoingQueue}. */
export interface OutgoingQueueSettings {
  /** The limit of the queue, in bytes. */
  readonly max_cluster_queue: number
  readonly codec: EnvelopeCodec
  readonly channels: ChannelNames
  readonly clock: Clock
  /** Runs a task after the current callback. */
  soon(task: () => void): void
}

/** The events of an {@link OutgoingQueue}. */
export interface OutgoingQueueEvents {
  /**
   * Called for a queued envelope that exceeds the limit of the broker, which was unknown or higher before.
   */
  dropped(size_bytes: number): void
  /** Called when the connection to the broker can't be used any more. */
  failed(error: Error): void
}

/**
 * The bounded queue of messages for the other servers. It sends the messages of one turn to one topic
 * together and in order, and at most {@link WINDOW_BYTES} ahead of the broker's confirmations. Without a
 * connection it keeps them.
 */
export class OutgoingQueue {
  readonly #settings: OutgoingQueueSettings
  readonly #events: OutgoingQueueEvents
  readonly #reply_timeout: ReplyTimeout
  readonly #turns = new Map<string | undefined, TurnMessages>()
  #is_turn_end_scheduled = false
  #first: QueuedEnvelope | undefined
  #last: QueuedEnvelope | undefined
  #bytes = 0
  #link: ClusterLink | undefined
  /** Whether queued envelopes may be sent. */
  #is_sending = false
  /** The limit of the broker for one envelope, as far as it is known. */
  #max_bytes = Number.POSITIVE_INFINITY
  /** Messages that the pending request for confirmation covers. */
  #confirming: Unconfirmed | undefined
  /** Messages that were sent after that request. */
  #sent_since: Unconfirmed | undefined
  #on_drained: (() => void) | undefined
  /** The number of messages that the broker has confirmed. */
  published = 0
  /** The number of messages that were dropped, or not confirmed before the connection was lost. */
  lost = 0

  constructor(settings: OutgoingQueueSettings, events: OutgoingQueueEvents) {
    this.#settings = settings
    this.#events = events
    this.#reply_timeout = new ReplyTimeout(settings.clock, error => events.failed(error))
  }

  /** The number of bytes that are queued or not confirmed. */
  get bytes(): number {
    return this.#bytes
  }

  /** The limit of the broker for the frames of one envelope, as far as it is known. */
  get max_frame_bytes(): number {
    return this.#max_bytes - envelope_size(0)
  }

  /**
   * Queues a message for a topic, or for all sockets, unless it exceeds the limit of the broker or of the
   * queue.
   */
  enqueue(topic: string | undefined, frame: SharedBatch): 'queued' | 'too_large' | 'full' {
    if (frame.frame_bytes > this.max_frame_bytes) return 'too_large'
    const turn = this.#turns.get(topic)
    const cost_bytes = frame.frame_bytes + (turn === undefined ? ENVELOPE_OVERHEAD_BYTES : 0)
    if (this.#bytes + cost_bytes > this.#settings.max_cluster_queue) return 'full'
    this.#bytes += frame.frame_bytes
    const max_bytes = Math.min(BATCH_BYTES, this.max_frame_bytes)
    if (turn !== undefined && turn.frame_bytes + frame.frame_bytes > max_bytes)
      this.#enqueue_envelope(topic, turn)
    this.#add(topic, frame)
    if (!this.#is_turn_end_scheduled) {
      this.#is_turn_end_scheduled = true
      this.#settings.soon(() => {
        this.#is_turn_end_scheduled = false
        this.#end_turn()
      })
    }
    return 'queued'
  }

  /** Sends an envelope that is not queued, or drops it without a connection. */
  send_now(channel: string, bytes: Uint8Array): void {
    if (this.#link === undefined) return
    this.#publish(this.#link, channel, bytes)
    this.#request_confirmation(this.#link)
  }

  /** Uses a new connection, for now only to send announcements. */
  attach(link: ClusterLink): void {
    this.#link = link
    this.#max_bytes = link.max_bytes
  }

  /** Starts to send the queue. */
  start_sending(): void {
    this.#is_sending = true
    this.#send()
  }

  /**
   * Stops using a connection that has ended. Returns the number of unconfirmed messages, which may not have
   * arrived.
   */
  detach(): number {
    const messages = (this.#confirming?.messages ?? 0) + (this.#sent_since?.messages ?? 0)
    this.#bytes -= (this.#confirming?.cost_bytes ?? 0) + (this.#sent_since?.cost_bytes ?? 0)
    this.lost += messages
    this.#confirming = this.#sent_since = this.#link = undefined
    this.#is_sending = false
    this.#reply_timeout.cancel()
    this.#notify_if_drained()
    return messages
  }

  /** Resolves when the broker has confirmed everything, or the connection has ended. */
  drained(): Promise<void> {
    this.#end_turn()
    return new Promise(resolve => {
      this.#on_drained = resolve
      this.#notify_if_drained()
    })
  }

  /** Drops all queued messages, and returns their number. */
  drop(): number {
    this.#end_turn()
    let messages = 0
    for (let envelope = this.#first; envelope !== undefined; envelope = envelope.next) {
      messages += envelope.messages
      this.#bytes -= envelope.cost_bytes
    }
    this.#first = this.#last = undefined
    this.lost += messages
    return messages
  }

  #add(topic: string | undefined, frame: SharedBatch): void {
    const turn = this.#turns.get(topic)
    if (turn === undefined) {
      frame.hold()
      this.#bytes += ENVELOPE_OVERHEAD_BYTES
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
    for (const [topic, turn] of this.#turns) this.#enqueue_envelope(topic, turn)
    this.#send()
  }

  #enqueue_envelope(topic: string | undefined, { frames, frame_bytes, messages }: TurnMessages): void {
    const { codec, channels } = this.#settings
    this.#turns.delete(topic)
    const channel = channels.of(topic)
    const bytes = codec.messages(frames, frame_bytes)
    for (const batch of frames) batch.release()
    const envelope = {
      channel,
      bytes,
      messages,
      cost_bytes: frame_bytes + ENVELOPE_OVERHEAD_BYTES,
      next: undefined,
    }
    if (this.#last === undefined) this.#first = envelope
    else this.#last.next = envelope
    this.#last = envelope
  }

  #send(): void {
    const link = this.#link
    // A broker may change its limit while it is connected.
    if (link !== undefined) this.#max_bytes = link.max_bytes
    if (link !== undefined && this.#is_sending) {
      while (this.#first !== undefined && this.#unconfirmed_bytes < WINDOW_BYTES) {
        const envelope = this.#first
        this.#first = envelope.next
        if (this.#first === undefined) this.#last = undefined
        if (envelope.bytes.length > this.#max_bytes) this.#drop_too_large(envelope)
        else this.#publish(link, envelope.channel, envelope.bytes, envelope.messages, envelope.cost_bytes)
      }
    }
    if (link !== undefined) this.#request_confirmation(link)
    this.#notify_if_drained()
  }

  #drop_too_large({ bytes, messages, cost_bytes }: QueuedEnvelope): void {
    this.#bytes -= cost_bytes
    this.lost += messages
    this.#events.dropped(bytes.length - envelope_size(0))
  }

  get #unconfirmed_bytes(): number {
    return (this.#confirming?.cost_bytes ?? 0) + (this.#sent_since?.cost_bytes ?? 0)
  }

  #publish(link: ClusterLink, channel: string, bytes: Uint8Array, messages = 0, cost_bytes = 0): void {
    link.publish(channel, bytes)
    this.#sent_since ??= { messages: 0, cost_bytes: 0 }
    this.#sent_since.messages += messages
    this.#sent_since.cost_bytes += cost_bytes
  }

  /** Asks the broker to confirm the sent messages, unless such a request is pending. */
  #request_confirmation(link: ClusterLink): void {
    if (this.#confirming !== undefined || this.#sent_since === undefined) return
    this.#confirming = this.#sent_since
    this.#sent_since = undefined
    this.#reply_timeout.start()
    link.sync().then(
      () => this.#on_confirmed(link),
      (error: Error) => {
        if (this.#link === link) this.#events.failed(error)
      },
    )
  }

  #on_confirmed(link: ClusterLink): void {
    if (this.#link !== link) return
    this.#reply_timeout.cancel()
    this.published += this.#confirming?.messages ?? 0
    this.#bytes -= this.#confirming?.cost_bytes ?? 0
    this.#confirming = undefined
    this.#send()
  }

  #notify_if_drained(): void {
    const is_empty =
      this.#first === undefined && this.#confirming === undefined && this.#sent_since === undefined
    if (is_empty || this.#link === undefined) this.#on_drained?.()
  }
}
