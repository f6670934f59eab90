import type { NetError } from '@bt/ws-protocol'
import { is_thenable } from '@bt/ws-protocol/internal'
import { type InboxBudget, node_platform } from '@bt/ws-protocol/internal/node'
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
import type { AdmissionOptions } from './admission_options.js'
import { AuthorizeRefusal } from './refuse.js'
import { WaitingClient, type WaitOutcome } from './waiting_client.js'

/** The settings of an {@link Authorizer}. */
export interface AuthorizerSettings {
  /** The option; without it, every client is accepted. */
  readonly authorize: AdmissionOptions['authorize']
  /** The option: how long the whole of a handshake may take, in milliseconds. */
  readonly handshake_timeout: number
  /** Counts what clients send while they wait. */
  readonly inbox_budget: InboxBudget
}

/** What an {@link Authorizer} reports. */
export interface AuthorizerEvents {
  /** Called once for each handshake, at once if `authorize` answers at once. `head`: all that the client has sent behind its request. */
  decided(handshake: Handshake, verdict: Verdict): void
  /** `authorize` failed. */
  report(error: NetError): void
}

/** Calls `authorize` for each handshake, and keeps the clients waiting whose answer is a promise. */
export class Authorizer {
  readonly #settings: AuthorizerSettings
  readonly #events: AuthorizerEvents
  readonly #waiting = new Set<WaitingClient>()
  #is_closed = false

  constructor(settings: AuthorizerSettings, events: AuthorizerEvents) {
    this.#settings = settings
    this.#events = events
  }

  /** The number of clients that wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Decides about a handshake. */
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
    else this.#events.decided(handshake, { name: 'accepted', data })
  }

  /** Refuses all clients that wait, and lets none wait from now on. */
  close(): void {
    this.#is_closed = true
    for (const client of this.#waiting) client.end({ name: 'shut_down' })
  }

  #wait(handshake: Handshake, answer: PromiseLike<unknown>): void {
    const { stream, head, request, waited_ms } = handshake
    const { handshake_timeout, inbox_budget } = this.#settings
    stream.on('error', ignore_error)
    const client: WaitingClient = new WaitingClient({
      stream,
      head,
      signal: PendingRequest.signal_of(request),
      timeout_ms: Math.max(0, handshake_timeout - waited_ms),
      inbox_budget,
      clock: node_platform.clock,
      done: (outcome, head) => {
        this.#waiting.delete(client)
        this.#events.decided({ ...handshake, head }, this.#verdict(outcome))
      },
    })
    this.#waiting.add(client)
    client.start()
    end_when_answered(answer, client)
    // `authorize` itself may have closed the server.
    if (this.#is_closed) client.end({ name: 'shut_down' })
  }

  #verdict(outcome: WaitOutcome): Verdict {
    switch (outcome.name) {
      case 'answered':
        return { name: 'accepted', data: outcome.data }
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
      const { status, text, headers } = error
      return { reason: 'unauthorized', status, text, headers }
    }
    this.#events.report(handler_error('authorize', error))
    return handler_failed()
  }
}

/**
 * A function of its own: a closure beside others keeps alive what they use, here the socket, for as long as `authorize` takes, though the client has
 * left.
 */
function end_when_answered(answer: PromiseLike<unknown>, client: WaitingClient): void {
  Promise.resolve(answer).then(
    data => client.end({ name: 'answered', data }),
    error => client.end({ name: 'failed', error }),
  )
}
