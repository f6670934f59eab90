export type { ClientSession, SessionOpening } from './client/session/session_option.js'
export type { ClientSessionOptions } from './client/session/session_options.js'
export { session } from './node/session.js'
