import type { NetError } from '@bt/ws-protocol'
import type { ClusterLink, ClusterPort, ClusterSink } from '@bt/ws-protocol/broker'
import {
  Backoff,
  type CancelTimer,
  type Clock,
  describe_cause,
  describe_count,
  type ReceivedMessages,
  ReportOnce,
  type SharedBatch,
  start_peer_timeout,
} from '@bt/ws-protocol/internal'
import { ChannelNames } from './channel_names.js'
import {
  broker_away,
  has_left,
  join_unavailable,
  left_behind,
  not_allowed,
  not_text,
  queue_full,
  too_large,
  unreadable,
} from './cluster_errors.js'
import { EnvelopeCodec } from './envelope.js'
import { type ClusterNode, Nodes } from './nodes.js'
import { Outgoing } from './outgoing.js'
import { Subscriptions } from './subscriptions.js'

const RETRY = { min_delay: 100, max_delay: 5_000, max_attempts: Number.POSITIVE_INFINITY }
/** So many reasons are told of one kind, until the broker is connected to again. */
const MOST_REASONS_TOLD = 100
/** How long a server that leaves waits for the broker to take what is left, and to let go. */
const LEAVE_WITHIN_MS = 5_000
/** A broker that was there for so long is connected to again at once; one that comes and goes is waited for. */
const STABLE_MS = 5_000

/** A snapshot of a server's part in its `cluster`. */
export interface ClusterStats {
  /** Whether the broker is connected, and gets what is published. */
  readonly is_connected: boolean
  /** Servers known to be running, this one included: see {@link WsServer.nodes}. */
  readonly nodes: number
  /** Topics that this server is subscribed to at the broker. */
  readonly subscriptions: number
  /** Bytes published here that the broker has not confirmed yet, plus 256 for all messages of one turn to one topic. */
  readonly queued_bytes: number
  /** Messages published here that the broker has taken. */
  readonly published: number
  /** Messages received from other servers. */
  readonly received: number
  /** Messages that went to no other server, because too much waited or they were too large: the caller was told. */
  readonly refused: number
  /** Messages that may not have arrived, since the broker was lost while it had them, or that never went out: `on_error` was told. */
  readonly lost: number
  /**
   * Messages that were dropped, since no server of this version has written them: `on_error` gets the first of each connection to the broker, and the
   * first whose text is not UTF-8.
   */
  readonly unreadable: number
  /** How many times the broker was lost since the server started. */
  readonly outages: number
}

/** What a {@link Cluster} needs of its server, and whom it tells. */
export interface ClusterEvents {
  /** How many sockets this server has. */
  readonly size: number
  /** Whether a socket here is in a topic. */
  is_wanted(topic: string): boolean
  /** The topics that a socket here is in. */
  wanted(): Iterable<string>
  /** Messages have come for the sockets in a topic, or for all. */
  deliver(topic: string | undefined, batch: SharedBatch): void
  /** Something failed. */
  report(error: NetError): void
}

/** What a {@link Cluster} is made with. */
export interface ClusterSettings {
  /** The broker. */
  readonly port: ClusterPort
  /** How much may wait for the broker, in bytes. */
  readonly max_cluster_queue: number
  /** Time, and timers. */
  readonly clock: Clock
  /** Runs a task when the running callback is done. */
  soon(task: () => void): void
}

type State =
  | { readonly name: 'idle' | 'connecting' | 'left' }
  | { readonly name: 'waiting'; readonly cancel: CancelTimer }
  | { readonly name: 'restoring' | 'gathering' | 'leaving'; readonly link: ClusterLink }
  | { readonly name: 'connected'; readonly link: ClusterLink; readonly since_ms: number }

/** One server among several: what it publishes reaches the others through a broker, and what they publish reaches its sockets. */
export class Cluster {
  readonly #settings: ClusterSettings
  readonly #owner: ClusterEvents
  readonly #channels: ChannelNames
  readonly #codec = new EnvelopeCodec()
  readonly #outgoing: Outgoing
  readonly #subscriptions: Subscriptions
  readonly #nodes: Nodes
  readonly #backoff = new Backoff(RETRY, Math.random)
  #state: State = { name: 'idle' }
  /** What was told last of why there is no broker. */
  #outage: NetError | undefined
  #received = 0
  #refused = 0
  #unreadable = 0
  #outages = 0
  /** What may come any number of times on one connection to the broker, and was told. */
  readonly #told_unreadable = new ReportOnce(2)
  readonly #told_refusals = new ReportOnce(MOST_REASONS_TOLD)
  /** Why the broker is away, as far as it was told since it was there. */
  readonly #told_outages = new ReportOnce(MOST_REASONS_TOLD)

  constructor(settings: ClusterSettings, owner: ClusterEvents) {
    const { port, max_cluster_queue, clock, soon } = settings
    this.#settings = settings
    this.#owner = owner
    this.#channels = new ChannelNames(port.prefix)
    this.#outgoing = new Outgoing({
      max_cluster_queue,
      codec: this.#codec,
      channels: this.#channels,
      clock,
      soon,
      dropped: size_bytes => owner.report(this.#too_large('publish', size_bytes)),
      failed: error => this.#lost(error),
    })
    this.#subscriptions = new Subscriptions({
      channels: this.#channels,
      is_wanted: topic => owner.is_wanted(topic),
      clock,
      soon,
      failed: error => this.#lost(error),
      refused: error => this.#not_subscribed(error),
    })
    this.#nodes = new Nodes({
      self: this.#codec.node,
      clock,
      sockets: () => owner.size,
      tell: (sockets, asks) => this.#outgoing.tell(this.#channels.all, this.#codec.present(sockets, asks)),
    })
  }

  /** Joins the other servers. */
  start(): void {
    if (this.#state.name === 'idle') this.#connect()
  }

  /** Somebody here is in a topic now, or nobody is any more. */
  topic_changed(topic: string): void {
    this.#subscriptions.changed(topic)
  }

  /** Settles when what other servers publish to a topic arrives here; or with the error that tells why it does not, for now. */
  until_subscribed(topic: string): Promise<true | NetError> {
    const { name } = this.#state
    if (name === 'leaving' || name === 'left') return Promise.resolve(has_left('join'))
    const is_away = this.#outage !== undefined && !('link' in this.#state)
    return is_away
      ? Promise.resolve(join_unavailable(this.#settings.port, this.#outage))
      : this.#subscriptions.until_subscribed(topic)
  }

  /** Publishes to a topic on all other servers, or to all their sockets; returns `true`, or why it did not. */
  publish(topic: string | undefined, frame: SharedBatch): true | NetError {
    const call = topic === undefined ? 'broadcast' : 'publish'
    const { name } = this.#state
    if (name === 'leaving' || name === 'left') return has_left(call)
    const result = this.#outgoing.put(topic, frame)
    if (result === 'taken') return true
    this.#refused += 1
    if (result === 'too_large') return this.#too_large(call, frame.frame_bytes)
    const { port, max_cluster_queue } = this.#settings
    return queue_full(port, call, this.#outgoing.bytes, max_cluster_queue, this.#outage)
  }

  /** The servers that there are, this one first. */
  nodes(): ClusterNode[] {
    return this.#nodes.list()
  }

  /** Counts what is going on. */
  stats(): ClusterStats {
    return {
      is_connected: this.#state.name === 'connected',
      nodes: this.#nodes.size,
      subscriptions: this.#subscriptions.size,
      queued_bytes: this.#outgoing.bytes,
      published: this.#outgoing.published,
      received: this.#received,
      refused: this.#refused,
      lost: this.#outgoing.lost,
      unreadable: this.#unreadable,
      outages: this.#outages,
    }
  }

  /** Hands over what is left, says goodbye, and lets go of the broker: after it nothing comes and nothing goes. */
  async leave(): Promise<void> {
    const state = this.#state
    const lost_before = this.#outgoing.lost
    this.#nodes.stop()
    if (state.name === 'waiting') state.cancel()
    if (state.name === 'connected' || state.name === 'gathering') await this.#say_goodbye(state.link)
    else if (state.name === 'restoring') state.link.destroy()
    this.#state = { name: 'left' }
    this.#subscriptions.detach(has_left('join'))
    this.#outgoing.detach()
    const under_way = this.#outgoing.lost - lost_before
    const dropped = this.#outgoing.drop()
    if (under_way + dropped > 0) this.#owner.report(left_behind(this.#settings.port, under_way, dropped))
  }

  async #say_goodbye(link: ClusterLink): Promise<void> {
    this.#state = { name: 'leaving', link }
    this.#outgoing.flow()
    const is_taken = await this.#within(LEAVE_WITHIN_MS, this.#outgoing.emptied())
    this.#outgoing.tell(this.#channels.all, this.#codec.left())
    if (!is_taken || !(await this.#within(LEAVE_WITHIN_MS, link.close()))) link.destroy()
  }

  /** Whether something is done in time. */
  #within(time_ms: number, done: Promise<void>): Promise<boolean> {
    return new Promise(resolve => {
      const cancel = start_peer_timeout(this.#settings.clock, time_ms, () => resolve(false))
      done.then(() => {
        cancel()
        resolve(true)
      })
    })
  }

  #connect(): void {
    const attempt: State = { name: 'connecting' }
    this.#state = attempt
    let link: ClusterLink | undefined
    let lost_at_once: Error | undefined
    const is_current = (): boolean => link !== undefined && this.#link === link
    const sink: ClusterSink = {
      received: (channel, bytes) => is_current() && this.#read(channel, bytes),
      lost: error => {
        if (is_current()) this.#lost(error)
        else lost_at_once = error
      },
      refused: error => is_current() && this.#tell_refusal(error),
    }
    this.#settings.port.connect(sink).then(
      connected => {
        if (this.#state !== attempt) return connected.destroy()
        link = connected
        this.#restore(connected)
        if (lost_at_once !== undefined) this.#lost(lost_at_once)
      },
      (error: Error) => {
        if (this.#state === attempt) this.#retry(`cannot be reached: ${describe_cause(error)}`, error)
      },
    )
  }

  /** What is wanted is subscribed to before anything goes out, so that an answer to it finds its way back. */
  async #restore(link: ClusterLink): Promise<void> {
    this.#state = { name: 'restoring', link }
    await this.#subscriptions.restore(link, this.#owner.wanted())
    if (this.#link !== link) return
    this.#state = { name: 'gathering', link }
    this.#outgoing.attach(link)
    this.#nodes.start(() => this.#gathered(link))
  }

  /** Only now: what waited would be lost on servers that had not come back yet. */
  #gathered(link: ClusterLink): void {
    this.#state = { name: 'connected', link, since_ms: this.#settings.clock.now_ms() }
    this.#outage = undefined
    this.#told_outages.reset()
    this.#told_unreadable.reset()
    this.#told_refusals.reset()
    this.#outgoing.flow()
  }

  get #link(): ClusterLink | undefined {
    return 'link' in this.#state ? this.#state.link : undefined
  }

  #lost(error: Error): void {
    const state = this.#state
    if (!('link' in state)) return
    state.link.destroy()
    if (state.name === 'leaving') {
      // What was under way is told when all is over.
      this.#outgoing.detach()
      return
    }
    if (state.name === 'connected') this.#outages += 1
    this.#nodes.stop()
    const under_way = this.#outgoing.detach()
    const is_stable =
      state.name === 'connected' && this.#settings.clock.now_ms() - state.since_ms >= STABLE_MS
    if (is_stable) this.#backoff.reset()
    const lost =
      under_way === 0
        ? ''
        : `; ${describe_count(under_way, 'message')} had gone there and may not have arrived`
    this.#retry(`was lost: ${describe_cause(error)}${lost}`, error)
  }

  /** Tries again after a while; what is wrong is told once until the broker is back: of several servers, one or the other may be what is told of. */
  #retry(problem: string, cause: Error): void {
    const cancel = this.#settings.clock.start_timer(this.#backoff.next_delay_ms(), () => this.#connect())
    this.#state = { name: 'waiting', cancel }
    const outage = broker_away(this.#settings.port, problem, cause)
    this.#outage = outage
    this.#subscriptions.detach(join_unavailable(this.#settings.port, outage))
    if (this.#told_outages.should_report(outage.message)) this.#owner.report(outage)
  }

  #read(channel: string, bytes: Uint8Array): void {
    const envelope = this.#codec.read(bytes)
    if (envelope === 'own') return
    switch (envelope?.kind) {
      case 'messages': {
        const to = this.#channels.addressee(channel)
        if (to === undefined) this.#not_readable(channel, bytes)
        else this.#deliver(to.topic, channel, envelope)
        return
      }
      case 'present':
        if (!this.#nodes.heard(envelope.node, envelope.sockets, envelope.asks))
          this.#not_readable(channel, bytes)
        return
      case 'left':
        this.#nodes.left(envelope.node)
        return
      default:
        this.#not_readable(channel, bytes)
    }
  }

  #deliver(topic: string | undefined, channel: string, { batch, not_utf8 }: ReceivedMessages): void {
    if (not_utf8 > 0) {
      this.#unreadable += not_utf8
      if (this.#told_unreadable.should_report('text')) this.#owner.report(not_text(channel))
    }
    if (batch === undefined) return
    this.#received += batch.messages
    this.#owner.deliver(topic, batch)
  }

  /** There may be many: whatever else publishes there does so all the time. */
  #not_readable(channel: string, bytes: Uint8Array): void {
    this.#unreadable += 1
    if (this.#told_unreadable.should_report('bytes')) this.#owner.report(unreadable(channel, bytes.length))
  }

  #too_large(call: string, frame_bytes: number): NetError {
    return too_large(this.#settings.port, call, frame_bytes, this.#outgoing.most_frame_bytes)
  }

  #not_subscribed(error: Error): NetError {
    const refused = not_allowed(this.#settings.port, error)
    this.#owner.report(refused)
    return refused
  }

  /** Each message that is published where it may not be is refused anew; that is told once for each reason. */
  #tell_refusal(error: Error): void {
    if (this.#told_refusals.should_report(error.message))
      this.#owner.report(not_allowed(this.#settings.port, error))
  }
}
