import { with_node_sessions } from '@bt/ws-protocol/internal/node'
import type { ClientSession } from '../client/session_option.js'
import { make_session } from '../session/running_session.js'
import type { ClientSessionOptions } from '../session/session_options.js'

/**
 * Makes the value of the option `session` of `connect`: a session that outlives the connection, with a server that
 * has the option `sessions`. Messages that were lost with a connection are sent again on the next one, in both
 * directions, and none is handled twice. The server keeps the session for its `hold_ms` while the client is away; it
 * does not survive the end of either process, nor the reload of a page.
 *
 * @throws NetError `invalid_option`
 */
export function session(options: ClientSessionOptions = {}): ClientSession {
  return make_session(options, { is_page: false, with_sessions: with_node_sessions })
}
