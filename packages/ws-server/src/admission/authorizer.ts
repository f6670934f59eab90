import type { NetError } from '@bt/ws-protocol'
import { type Clock, is_thenable } from '@bt/ws-protocol/internal'
import type { InboxBudget } from '@bt/ws-protocol/internal/node'
import type { Handshake, Verdict } from '../handshake/handshake.js'
import { ignore_error } from '../handshake/ignore_error.js'
import {
  authorize_timed_out,
  handler_error,
  handler_failed,
  over_inbox,
  type Refusal,
  shutting_down,
} from '../handshake/refusal.js'
import { PendingRequest } from '../handshake/request.js'
import { acceptance_of } from './accept.js'
import type { AdmissionOptions } from './admission_options.js'
import { AuthorizeRefusal } from './refuse.js'
import { WaitingClient, type WaitOutcome } from './waiting_client.js'

/** The settings of an {@link Authorizer}. */
export interface AuthorizerSettings {
  /** Without it, every client is accepted. */
  readonly authorize: AdmissionOptions['authorize']
  /** The limit of the whole handshake, in milliseconds. */
  readonly handshake_timeout: number
  /** Limits the memory for data that clients send while they wait. */
  readonly inbox_budget: InboxBudget
  readonly clock: Clock
}

/** What an {@link Authorizer} reports. */
export interface AuthorizerEvents {
  /**
   * Called once for each handshake, synchronously if `authorize` is synchronous. The `head` contains
   * everything that the client has sent after its request.
   */
  decided(handshake: Handshake, verdict: Verdict): void
  /** Reports an error of `authorize` to the user. */
  report(error: NetError): void
}

/** Calls `authorize` for each handshake, and holds the clients for which it returns a promise. */
export class Authorizer {
  readonly #settings: AuthorizerSettings
  readonly #events: AuthorizerEvents
  readonly #waiting = new Set<WaitingClient>()
  #is_closed = false

  constructor(settings: AuthorizerSettings, events: AuthorizerEvents) {
    this.#settings = settings
    this.#events = events
  }

  /** The number of clients that wait for a promise of `authorize`. */
  get waiting(): number {
    return this.#waiting.size
  }

  decide(handshake: Handshake): void {
    const { authorize } = this.#settings
    let data: unknown
    try {
      data = authorize?.(handshake.request)
    } catch (error) {
      this.#events.decided(handshake, { name: 'refused', refusal: this.#refusal_of(error) })
      return
    }
    if (is_thenable(data)) this.#wait(handshake, data)
    else this.#events.decided(handshake, accepted(data))
  }

  /** Refuses all waiting clients, including later ones. */
  close(): void {
    this.#is_closed = true
    for (const client of this.#waiting) client.end({ name: 'shut_down' })
  }

  #wait(handshake: Handshake, answer: PromiseLike<unknown>): void {
    const { stream, head, request, elapsed_ms } = handshake
    const { handshake_timeout, inbox_budget, clock } = this.#settings
    stream.on('error', ignore_error)
    const client: WaitingClient = new WaitingClient({
      stream,
      head,
      signal: PendingRequest.signal_of(request),
      timeout_ms: Math.max(0, handshake_timeout - elapsed_ms),
      inbox_budget,
      clock,
      done: (outcome, head) => {
        this.#waiting.delete(client)
        this.#events.decided({ ...handshake, head }, this.#verdict(outcome))
      },
    })
    this.#waiting.add(client)
    client.start()
    end_when_settled(answer, client)
    // `authorize` may have closed the server.
    if (this.#is_closed) client.end({ name: 'shut_down' })
  }

  #verdict(outcome: WaitOutcome): Verdict {
    switch (outcome.name) {
      case 'answered':
        return accepted(outcome.data)
      case 'failed':
        return { name: 'refused', refusal: this.#refusal_of(outcome.error) }
      case 'timed_out':
        return { name: 'refused', refusal: authorize_timed_out() }
      case 'shut_down':
        return { name: 'refused', refusal: shutting_down() }
      case 'shed':
        return { name: 'refused', refusal: over_inbox() }
      case 'left':
        return { name: 'left' }
    }
  }

  #refusal_of(error: unknown): Refusal {
    if (error instanceof AuthorizeRefusal) {
      const { status, text, headers, close_code } = error
      return { reason: 'unauthorized', status, text, headers, close_code }
    }
    this.#events.report(handler_error('authorize', error))
    return handler_failed()
  }
}

function accepted(result: unknown): Verdict {
  return { name: 'accepted', ...acceptance_of(result) }
}

/**
 * Ends the wait when `authorize` has settled. These closures are in a function of their own because V8 shares
 * one context between the closures of a function: in `#wait`, they would keep the socket of a client that has
 * left alive for as long as `authorize` runs.
 */
function end_when_settled(answer: PromiseLike<unknown>, client: WaitingClient): void {
  Promise.resolve(answer).then(
    data => client.end({ name: 'answered', data }),
    error => client.end({ name: 'failed', error }),
  )
}
