import type { NetError } from '@bt/ws-protocol'
import type { ClusterLink, ClusterPort, ClusterSink } from '@bt/ws-protocol/broker'
import {
  backoff_ms,
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
  broker_unavailable,
  invalid_text,
  join_unavailable,
  left_cluster,
  permission_denied,
  queue_full,
  too_large,
  unreadable_bytes,
  unsent_messages,
} from './cluster_errors.js'
import { EnvelopeCodec } from './envelope.js'
import type { NodeLink, NodeLinkEvents } from './node_link.js'
import { type ClusterNode, Nodes } from './nodes.js'
import { OutgoingQueue } from './outgoing_queue.js'
import { Subscriptions } from './subscriptions.js'

const RETRY = { min_delay: 100, max_delay: 5_000 }
/**
 * The limit of different reasons that are reported per kind of error, until the broker is connected again.
 */
const MAX_REPORTED_REASONS = 100
/** The limit for sending the queue when the server leaves, and again for closing the connection. */
const LEAVE_TIMEOUT_MS = 5_000
/** A connection that lasted this long resets the backoff, so that the server reconnects at once. */
const STABLE_MS = 5_000

/** A snapshot of a server's part in its `cluster`. */
export interface ClusterStats {
  /** Whether the broker is connected, and gets published messages. */
  readonly is_connected: boolean
  /** Servers known to be running, this one included: see {@link WsServer.nodes}. */
  readonly nodes: number
  /** Topics that this server is subscribed to at the broker. */
  readonly subscriptions: number
  /**
   * Bytes published here that the broker has not confirmed yet, plus 256 for all messages of one turn to one
   * topic.
   */
  readonly queued_bytes: number
  /** Messages published here that the broker has taken. */
  readonly published: number
  /** Messages received from other servers. */
  readonly received: number
  /**
   * Messages that went to no other server, because the queue was full or they were too large; the caller got
   * an error.
   */
  readonly refused: number
  /**
   * Messages that may not have arrived, because the broker was lost before it confirmed them, or that were
   * never sent; `on_error` got an error.
   */
  readonly lost: number
  /**
   * Messages that were dropped because no server of this version can have written them. `on_error` gets the
   * first of each connection to the broker, and the first whose text is not UTF-8.
   */
  readonly unreadable: number
  /** The number of times that the broker was lost since the server started. */
  readonly outages: number
}

/** The server that a {@link Cluster} belongs to. */
export interface ClusterEvents {
  /** The number of sockets of this server. */
  readonly size: number
  /** Returns whether any socket of this server is in a topic. */
  has_members(topic: string): boolean
  /** Returns the topics that any socket of this server is in. */
  topics_with_members(): Iterable<string>
  /** Delivers messages of other servers to the sockets in a topic, or to all sockets if it is `undefined`. */
  deliver(topic: string | undefined, batch: SharedBatch): void
  /** Reports an error to the user. */
  report(error: NetError): void
}

/** The settings of a {@link Cluster}. */
export interface ClusterSettings {
  readonly port: ClusterPort
  /** Whether other servers send to this one alone, too. */
  readonly has_node_channel: boolean
  /** The limit of messages that wait for the broker, in bytes. */
  readonly max_cluster_queue: number
  readonly clock: Clock
  /** Runs a task after the current callback. */
  soon(task: () => void): void
}

type State =
  | { readonly name: 'idle' | 'connecting' | 'left' }
  | { readonly name: 'waiting'; readonly cancel: CancelTimer }
  | { readonly name: 'subscribing' | 'awaiting_nodes' | 'leaving'; readonly link: ClusterLink }
  | { readonly name: 'connected'; readonly link: ClusterLink; readonly since_ms: number }

/**
 * Connects one server to the others through a broker: publishes its messages there, and delivers theirs to
 * its sockets.
 */
export class Cluster implements NodeLink {
  readonly #settings: ClusterSettings
  readonly #events: ClusterEvents
  readonly #channels: ChannelNames
  readonly #codec = new EnvelopeCodec()
  readonly #outgoing: OutgoingQueue
  readonly #subscriptions: Subscriptions
  readonly #nodes: Nodes
  #node_events: NodeLinkEvents | undefined
  /** The attempts to connect since the last stable connection. */
  #attempts = 0
  #state: State = { name: 'idle' }
  /** The latest error of the current outage; `undefined` while the broker is connected. */
  #outage: NetError | undefined
  #received = 0
  #refused = 0
  #unreadable = 0
  #outages = 0
  // Each of these can happen any number of times on one connection or in one outage, and is reported once for
  // each reason.
  readonly #reported_unreadable = new ReportOnce(2)
  readonly #reported_refusals = new ReportOnce(MAX_REPORTED_REASONS)
  readonly #reported_outages = new ReportOnce(MAX_REPORTED_REASONS)

  constructor(settings: ClusterSettings, events: ClusterEvents) {
    const { port, max_cluster_queue, has_node_channel, clock, soon } = settings
    this.#settings = settings
    this.#events = events
    this.#channels = new ChannelNames(port.prefix)
    const failed = (error: Error): void => this.#on_lost(error)
    this.#outgoing = new OutgoingQueue(
      { max_cluster_queue, codec: this.#codec, channels: this.#channels, clock, soon },
      { dropped: size_bytes => events.report(this.#too_large_error('publish', size_bytes)), failed },
    )
    this.#subscriptions = new Subscriptions(
      {
        channels: this.#channels,
        fixed: has_node_channel
          ? [this.#channels.all, this.#channels.of_node(this.#codec.node)]
          : [this.#channels.all],
        clock,
        soon,
      },
      {
        has_members: topic => events.has_members(topic),
        failed,
        refused: error => this.#report_refused_subscription(error),
      },
    )
    this.#nodes = new Nodes(
      { self: this.#codec.node, clock },
      {
        sockets: () => events.size,
        left: node => this.#node_events?.left(node),
        announce: (sockets, wants_replies) =>
          this.#outgoing.send_now(this.#channels.all, this.#codec.present(sockets, wants_replies)),
      },
    )
  }

  /** Connects to the broker. */
  start(): void {
    if (this.#state.name === 'idle') this.#connect()
  }

  /** Handles that a topic has got its first member on this server, or lost its last one. */
  topic_changed(topic: string): void {
    this.#subscriptions.changed(topic)
  }

  /**
   * Resolves with `true` when messages of other servers to a topic arrive here, or with the error that
   * prevents it for now.
   */
  until_subscribed(topic: string): Promise<true | NetError> {
    const { name } = this.#state
    if (name === 'leaving' || name === 'left') return Promise.resolve(left_cluster('join'))
    const is_away = this.#outage !== undefined && !('link' in this.#state)
    return is_away
      ? Promise.resolve(join_unavailable(this.#settings.port, this.#outage))
      : this.#subscriptions.until_subscribed(topic)
  }

  /**
   * Publishes to a topic on all other servers, or to all their sockets. Returns `true`, or the error if the
   * message went to no other server.
   */
  publish(topic: string | undefined, frame: SharedBatch): true | NetError {
    const call = topic === undefined ? 'broadcast' : 'publish'
    const { name } = this.#state
    if (name === 'leaving' || name === 'left') return left_cluster(call)
    const result = this.#outgoing.enqueue(topic, frame)
    if (result === 'queued') return true
    this.#refused += 1
    if (result === 'too_large') return this.#too_large_error(call, frame.frame_bytes)
    const { port, max_cluster_queue } = this.#settings
    return queue_full(port, call, this.#outgoing.bytes, max_cluster_queue, this.#outage)
  }

  get node(): Uint8Array {
    return this.#codec.node_id
  }

  get max_bytes(): number {
    return this.#outgoing.max_frame_bytes
  }

  knows(node: string): boolean {
    return this.#nodes.has(node)
  }

  send(node: string, bytes: Uint8Array): void {
    this.#outgoing.send_now(this.#channels.of_node(node), this.#codec.to_node(bytes))
  }

  receive(events: NodeLinkEvents): void {
    this.#node_events = events
  }

  /** Returns the running servers, this one first. */
  nodes(): ClusterNode[] {
    return this.#nodes.list()
  }

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

  /**
   * Sends the queue, announces to the other servers that this one has left, and closes the connection to the
   * broker.
   */
  async leave(): Promise<void> {
    const state = this.#state
    const lost_before = this.#outgoing.lost
    this.#nodes.stop()
    if (state.name === 'waiting') state.cancel()
    if (state.name === 'connected' || state.name === 'awaiting_nodes') await this.#flush_and_close(state.link)
    else if (state.name === 'subscribing') state.link.destroy()
    this.#state = { name: 'left' }
    this.#subscriptions.detach(left_cluster('join'))
    this.#outgoing.detach()
    const unconfirmed = this.#outgoing.lost - lost_before
    const dropped = this.#outgoing.drop()
    if (unconfirmed + dropped > 0)
      this.#events.report(unsent_messages(this.#settings.port, unconfirmed, dropped))
  }

  async #flush_and_close(link: ClusterLink): Promise<void> {
    this.#state = { name: 'leaving', link }
    this.#outgoing.start_sending()
    const is_drained = await this.#is_done_within(LEAVE_TIMEOUT_MS, this.#outgoing.drained())
    this.#outgoing.send_now(this.#channels.all, this.#codec.left())
    if (!is_drained || !(await this.#is_done_within(LEAVE_TIMEOUT_MS, link.close()))) link.destroy()
  }

  #is_done_within(time_ms: number, done: Promise<void>): Promise<boolean> {
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
    const link_events: ClusterSink = {
      received: (channel, bytes) => is_current() && this.#on_bytes(channel, bytes),
      lost: error => {
        if (is_current()) this.#on_lost(error)
        else lost_at_once = error
      },
      refused: error => is_current() && this.#report_refusal(error),
    }
    this.#settings.port.connect(link_events).then(
      connected => {
        if (this.#state !== attempt) return connected.destroy()
        link = connected
        this.#restore(connected)
        if (lost_at_once !== undefined) this.#on_lost(lost_at_once)
      },
      (error: Error) => {
        if (this.#state === attempt)
          this.#reconnect_later(`cannot be reached: ${describe_cause(error)}`, error)
      },
    )
  }

  /** Subscribes before anything is sent, so that replies to the sent messages arrive. */
  async #restore(link: ClusterLink): Promise<void> {
    this.#state = { name: 'subscribing', link }
    await this.#subscriptions.restore(link, this.#events.topics_with_members())
    if (this.#link !== link) return
    this.#state = { name: 'awaiting_nodes', link }
    this.#outgoing.attach(link)
    this.#nodes.start(() => this.#on_nodes_back(link))
  }

  /** Starts to send the queue. Before the other servers are back, they would miss its messages. */
  #on_nodes_back(link: ClusterLink): void {
    this.#state = { name: 'connected', link, since_ms: this.#settings.clock.now_ms() }
    this.#outage = undefined
    this.#reported_outages.reset()
    this.#reported_unreadable.reset()
    this.#reported_refusals.reset()
    this.#outgoing.start_sending()
  }

  get #link(): ClusterLink | undefined {
    return 'link' in this.#state ? this.#state.link : undefined
  }

  #on_lost(error: Error): void {
    const state = this.#state
    if (!('link' in state)) return
    state.link.destroy()
    if (state.name === 'leaving') {
      // `leave` reports the messages that this counts as lost.
      this.#outgoing.detach()
      return
    }
    if (state.name === 'connected') this.#outages += 1
    this.#nodes.stop()
    this.#node_events?.lost()
    const unconfirmed = this.#outgoing.detach()
    const is_stable =
      state.name === 'connected' && this.#settings.clock.now_ms() - state.since_ms >= STABLE_MS
    if (is_stable) this.#attempts = 0
    const loss =
      unconfirmed === 0
        ? ''
        : `; ${describe_count(unconfirmed, 'message')} had gone there and may not have arrived`
    this.#reconnect_later(`was lost: ${describe_cause(error)}${loss}`, error)
  }

  /**
   * Schedules the next attempt to connect. Each problem is reported once per outage; there can be several, as
   * the attempts may reach different servers of the broker.
   */
  #reconnect_later(problem: string, cause: Error): void {
    const delay_ms = backoff_ms(RETRY, this.#attempts, Math.random())
    this.#attempts += 1
    const cancel = this.#settings.clock.start_timer(delay_ms, () => this.#connect())
    this.#state = { name: 'waiting', cancel }
    const outage = broker_unavailable(this.#settings.port, problem, cause)
    this.#outage = outage
    this.#subscriptions.detach(join_unavailable(this.#settings.port, outage))
    if (this.#reported_outages.should_report(outage.message)) this.#events.report(outage)
  }

  #on_bytes(channel: string, bytes: Uint8Array): void {
    const envelope = this.#codec.decode(bytes)
    if (envelope === 'own') return
    switch (envelope?.kind) {
      case 'messages': {
        const target = this.#channels.parse(channel)
        if (target === undefined) this.#drop_unreadable(channel, bytes)
        else this.#deliver(target.topic, channel, envelope)
        return
      }
      case 'present':
        if (!this.#nodes.on_present(envelope.node, envelope.sockets, envelope.wants_replies))
          this.#drop_unreadable(channel, bytes)
        return
      case 'to_node':
        this.#node_events?.received(envelope.node, envelope.body)
        return
      case 'left':
        this.#nodes.remove(envelope.node)
        return
      default:
        this.#drop_unreadable(channel, bytes)
    }
  }

  #deliver(topic: string | undefined, channel: string, { batch, not_utf8 }: ReceivedMessages): void {
    if (not_utf8 > 0) {
      this.#unreadable += not_utf8
      if (this.#reported_unreadable.should_report('text')) this.#events.report(invalid_text(channel))
    }
    if (batch === undefined) return
    this.#received += batch.messages
    this.#events.deliver(topic, batch)
  }

  #drop_unreadable(channel: string, bytes: Uint8Array): void {
    this.#unreadable += 1
    if (this.#reported_unreadable.should_report('bytes'))
      this.#events.report(unreadable_bytes(channel, bytes.length))
  }

  #too_large_error(call: string, frame_bytes: number): NetError {
    return too_large(this.#settings.port, call, frame_bytes, this.#outgoing.max_frame_bytes)
  }

  #report_refused_subscription(error: Error): NetError {
    const refused = permission_denied(this.#settings.port, error)
    this.#events.report(refused)
    return refused
  }

  /**
   * Reports a refusal once for each reason, because the broker refuses every single message on a forbidden
   * channel.
   */
  #report_refusal(error: Error): void {
    if (this.#reported_refusals.should_report(error.message))
      this.#events.report(permission_denied(this.#settings.port, error))
  }
}
