import { with_sessions } from '@bt/ws-protocol/internal'
import type { ClientSession } from '../client/session_option.js'
import { make_session } from '../session/running_session.js'
import type { ClientSessionOptions } from '../session/session_options.js'

/**
 * Makes the value of the option `session` of `connect`, over the platform's own WebSocket; otherwise as in Node.
 *
 * @throws NetError `invalid_option`
 */
export function session(options: ClientSessionOptions = {}): ClientSession {
  return make_session(options, { is_page: true, with_sessions })
}
