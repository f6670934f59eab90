import { is_thenable, type NetError } from '@bt/ws-protocol'
import { type InboxBudget, node_platform } from '@bt/ws-protocol/node'
import { PendingHandshake } from './handshake_request.js'
import { LateSignal } from './late_signal.js'
import type { ListenSettings } from './options.js'
import {
  authorize_timed_out,
  handler_error,
  handler_failed,
  over_inbox,
  type Refusal,
  shutting_down,
} from './refusal.js'
import { AuthorizeRefusal } from './refuse.js'
import { told_by_close } from './told_by_close.js'
import type { Visit } from './visit.js'
import { WaitingClient, type WaitOutcome } from './waiting_client.js'

/** What became of a visit: it may come in, is turned away, or has left. */
export type Decision =
  | { readonly name: 'granted'; readonly visit: Visit; readonly data: unknown }
  | { readonly name: 'refused'; readonly visit: Visit; readonly refusal: Refusal }
  | { readonly name: 'left'; readonly visit: Visit }

/** What an {@link Authorizer} needs to know. */
export interface AuthorizerSettings {
  /** The option; without it, everybody may come in. */
  readonly authorize: ListenSettings['authorize']
  /** The option: how long the whole of a handshake may take. */
  readonly handshake_timeout: number
  /** What clients send while they wait counts here. */
  readonly inbox_budget: InboxBudget
  /** Called once for each visit, at once where `authorize` answers at once. */
  readonly decided: (decision: Decision) => void
  /** Who is told when `authorize` fails. */
  readonly report: (error: NetError) => void
}

/** Asks `authorize` about visits, and keeps those clients waiting for whom it takes its time. */
export class Authorizer {
  readonly #settings: AuthorizerSettings
  readonly #waiting = new Set<WaitingClient>()
  #is_closed = false

  constructor(settings: AuthorizerSettings) {
    this.#settings = settings
  }

  /** How many clients wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Finds out whether a client may come in. */
  ask(visit: Visit): void {
    const { authorize, decided } = this.#settings
    if (authorize === undefined) {
      decided({ name: 'granted', visit, data: undefined })
      return
    }
    const { handshake, place, offered } = visit
    const signal = new LateSignal()
    let data: unknown
    try {
      data = authorize(new PendingHandshake(handshake, place, offered, signal))
    } catch (error) {
      decided({ name: 'refused', visit, refusal: this.#refusal_of(error) })
      return
    }
    if (is_thenable(data)) this.#wait(visit, data, signal)
    else decided({ name: 'granted', visit, data })
  }

  /** Turns away all who wait, and lets nobody wait from now on. */
  close(): void {
    this.#is_closed = true
    for (const client of this.#waiting) client.end({ name: 'shut_down' })
  }

  #wait(visit: Visit, answer: PromiseLike<unknown>, signal: LateSignal): void {
    visit.stream.on('error', told_by_close)
    const client: WaitingClient = new WaitingClient({
      stream: visit.stream,
      head: visit.head,
      signal,
      timeout_ms: Math.max(0, this.#settings.handshake_timeout - visit.waited_ms),
      inbox_budget: this.#settings.inbox_budget,
      clock: node_platform.clock,
      done: (outcome, head) => {
        this.#waiting.delete(client)
        this.#settings.decided(this.#decision({ ...visit, head }, outcome))
      },
    })
    this.#waiting.add(client)
    client.start()
    hand_on(answer, client)
    // A callback of the handshake's own may have closed the server.
    if (this.#is_closed) client.end({ name: 'shut_down' })
  }

  #decision(visit: Visit, outcome: WaitOutcome): Decision {
    switch (outcome.name) {
      case 'answered':
        return { name: 'granted', visit, data: outcome.data }
      case 'failed':
        return { name: 'refused', visit, refusal: this.#refusal_of(outcome.error) }
      case 'timed_out':
        return { name: 'refused', visit, refusal: authorize_timed_out() }
      case 'shut_down':
        return { name: 'refused', visit, refusal: shutting_down() }
      case 'shed':
        return { name: 'refused', visit, refusal: over_inbox() }
      case 'left':
        return { name: 'left', visit }
    }
  }

  #refusal_of(error: unknown): Refusal {
    if (error instanceof AuthorizeRefusal) {
      const { status, text, headers } = error
      return { reason: 'unauthorized', status, text, headers }
    }
    this.#settings.report(handler_error('authorize', error))
    return handler_failed()
  }
}

/**
 * A function of its own: one that is defined beside others keeps alive what they use, here the socket, for as long as `authorize` takes, though
 * the client has left.
 */
function hand_on(answer: PromiseLike<unknown>, client: WaitingClient): void {
  Promise.resolve(answer).then(
    data => client.end({ name: 'answered', data }),
    error => client.end({ name: 'failed', error }),
  )
}
