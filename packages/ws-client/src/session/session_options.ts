import { NetError } from '@bt/ws-protocol'
import {
  type CheckedOptions,
  callback,
  check_options_with,
  list_known,
  type OptionRules,
} from '@bt/ws-protocol/internal'
import type { SessionHostSettings } from '../client/session_host.js'

/** Options of `session`. */
export interface ClientSessionOptions {
  /**
   * What is done with the messages of a session that could not be recovered, if the server may or may not have
   * handled them. `'report'`: `on_unacknowledged` gets them, and they count as lost. `'resend'`: they are sent
   * again in the new session, so the server may handle some of them twice. Messages that the server has
   * certainly not handled are sent in the new session in any case. @defaultValue `'report'`
   */
  readonly unacknowledged?: 'report' | 'resend' | undefined
  /**
   * Gets the messages in doubt, the oldest first, as they were sent, with `unacknowledged: 'report'`. It is called
   * right before the `on_open` of the new session, so what it sends goes ahead of the queue, and only if there are
   * any. An error that it throws, or rejects with, is reported as `handler_failed`. @defaultValue none
   */
  readonly on_unacknowledged?: ((messages: readonly (string | Uint8Array)[]) => void) | undefined
}

/** The options of `session`, checked and filled in. */
export type SessionSettings = CheckedOptions<ClientSessionOptions, 'unacknowledged'>

const RULES: OptionRules<ClientSessionOptions, 'unacknowledged'> = {
  unacknowledged: {
    fallback: 'report',
    expects: "'report' or 'resend'",
    accepts: value => value === 'report' || value === 'resend',
  },
  on_unacknowledged: callback(),
}

/**
 * Checks the options of `session`, and fills in defaults.
 *
 * @throws NetError `invalid_option`
 */
export function session_settings(options: ClientSessionOptions): SessionSettings {
  return check_options_with(list_known, 'session', options, RULES)
}

/**
 * Checks that the other options of `connect` go with a session.
 *
 * @throws NetError `invalid_option`
 */
export function check_host({ reconnect, probe }: SessionHostSettings): void {
  if (reconnect === false)
    throw new NetError(
      'invalid_option',
      'connect: the option session needs reconnect: true, to go on after a loss of the connection',
    )
  if (probe !== undefined)
    throw new NetError(
      'invalid_option',
      'connect: the options session and probe exclude each other: a session has its own heartbeat; leave probe out',
    )
}
