import { randomBytes } from 'node:crypto'
import {
  type CancelTimer,
  type Clock,
  type Hello,
  read_control,
  SessionViolation,
  write_control,
} from '@bt/ws-protocol/internal'
import type { InboxBudget } from '@bt/ws-protocol/internal/node'
import type { NodeLink, NodeLinkEvents } from '../cluster/node_link.js'
import { EntryRelay } from './entry_relay.js'
import { HolderRelay } from './holder_relay.js'
import type { RelaySender } from './relay_channel.js'
import {
  RELAY_ID_BYTES,
  type RelayMessage,
  type RelayOpening,
  read_relay_message,
  write_relay_message,
} from './relay_message.js'
import type { SessionClaim } from './session_claim.js'
import type { UnclaimedSocket } from './unclaimed_socket.js'

/** How long the holder of a session may take to answer, in milliseconds. */
const ANSWER_MS = 2_000

/** What a {@link SessionRelay} needs of the sessions of its server. */
export interface SessionRelayEvents {
  /**
   * Lets a client of another server go on with a session; returns whether there is one for it.
   *
   * @throws SessionViolation
   */
  claimed(claim: SessionClaim): boolean
  /** The last relay of a client of this server has ended. */
  emptied(): void
}

/** A client of this server that waits for the answer of the holder of its session. */
interface PendingRelay {
  readonly node: string
  readonly cancel: CancelTimer
  answered(is_accepted: boolean): void
}

/** One end of a relay, and the server at the other. */
interface OpenRelay {
  readonly node: string
  readonly end: EntryRelay | HolderRelay
}

/** Connects clients of one server of a cluster with their sessions on another. */
export class SessionRelay implements NodeLinkEvents {
  readonly #link: NodeLink
  readonly #inbox_budget: InboxBudget
  readonly #clock: Clock
  readonly #events: SessionRelayEvents
  readonly #pending = new Map<string, PendingRelay>()
  readonly #open = new Map<string, OpenRelay>()
  #entries = 0

  constructor(link: NodeLink, inbox_budget: InboxBudget, clock: Clock, events: SessionRelayEvents) {
    this.#link = link
    this.#inbox_budget = inbox_budget
    this.#clock = clock
    this.#events = events
    link.receive(this)
  }

  /** How many clients of this server have their session elsewhere. */
  get entries(): number {
    return this.#entries
  }

  /** Returns the server that holds the session of a token, if it is another one that is running. */
  holder_of(token: Uint8Array): string | undefined {
    const node = token.subarray(-this.#link.node.length)
    if (token.length <= node.length || Buffer.compare(node, this.#link.node) === 0) return undefined
    const name = format_node(node)
    return this.#link.knows(name) ? name : undefined
  }

  /** Asks a server for a session of its own; `otherwise` is called if the client cannot have it. */
  ask(node: string, socket: UnclaimedSocket, claim: SessionClaim, otherwise: () => void): void {
    const id = randomBytes(RELAY_ID_BYTES).toString('latin1')
    const sender = this.#sender(node, id)
    const answered = (is_accepted: boolean): void => {
      pending.cancel()
      this.#pending.delete(id)
      if (!is_accepted) otherwise()
      else if (socket.is_claimable) this.#enter(node, id, sender, socket)
      else sender.send(GONE)
    }
    const cancel = this.#clock.start_timer(ANSWER_MS, () => answered(false))
    const pending: PendingRelay = { node, cancel, answered }
    this.#pending.set(id, pending)
    const { hello, identity, client } = claim
    sender.send({ type: 'open', opening: { hello: write_control(hello), identity, client } })
  }

  /** Closes the clients of this server whose session is elsewhere. */
  shut_down(code: number, next_reason: () => string, now: boolean): void {
    for (const { end } of this.#open.values())
      if (end instanceof EntryRelay) end.shut_down(code, next_reason(), now)
  }

  received(node: string, bytes: Uint8Array): void {
    const read = read_relay_message(bytes)
    if (read === undefined) return
    const { id, message } = read
    const open = this.#open.get(id)
    const pending = this.#pending.get(id)
    if (open?.node === node) open.end.received(message)
    else if (pending?.node === node) pending.answered(message.type === 'accepted')
    else if (message.type === 'open') this.#hold(node, id, message.opening)
    // The other server still has what this one has forgotten.
    else if (message.type !== 'gone' && message.type !== 'refused') this.#sender(node, id).send(GONE)
  }

  left(node: string): void {
    this.#lose(({ node: of }) => of === node)
  }

  lost(): void {
    this.#lose(() => true)
  }

  #lose(is_lost: (relay: { readonly node: string }) => boolean): void {
    for (const pending of [...this.#pending.values()].filter(is_lost)) pending.answered(false)
    for (const { end } of [...this.#open.values()].filter(is_lost)) end.lost()
  }

  #enter(node: string, id: string, sender: RelaySender, socket: UnclaimedSocket): void {
    this.#entries += 1
    const end = new EntryRelay(socket.wire, sender, () => {
      this.#open.delete(id)
      this.#entries -= 1
      if (this.#entries === 0) this.#events.emptied()
    })
    this.#open.set(id, { node, end })
    socket.give_to(end)
  }

  #hold(node: string, id: string, { hello: bytes, identity, client }: RelayOpening): void {
    const sender = this.#sender(node, id)
    const hello = read_control(bytes)
    const wire = new HolderRelay(sender, this.#inbox_budget, () => this.#open.delete(id))
    this.#open.set(id, { node, end: wire })
    const accept = (events: Parameters<HolderRelay['report_to']>[0]): void => {
      sender.send({ type: 'accepted' })
      wire.report_to(events)
    }
    if (hello?.type === 'hello' && this.#is_claimed({ hello, identity, client, wire, give: accept })) return
    this.#open.delete(id)
    sender.send({ type: 'refused' })
  }

  #is_claimed(claim: SessionClaim & { readonly hello: Hello }): boolean {
    try {
      return this.#events.claimed(claim)
    } catch (error) {
      // A client with impossible counts gets a session of its own.
      if (error instanceof SessionViolation) return false
      throw error
    }
  }

  #sender(node: string, id: string): RelaySender {
    const link = this.#link
    return {
      get max_bytes() {
        return link.max_bytes
      },
      send: message => link.send(node, write_relay_message(id, message)),
    }
  }
}

const GONE: RelayMessage = { type: 'gone', code: 1_006, reason: '', is_close_sent: false }

/** Formats the identifier of a server as a UUID (RFC 9562 §4). */
function format_node(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
