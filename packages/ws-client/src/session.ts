export type { ClientSession, SessionOpening } from './client/session_option.js'
export { session } from './node/session.js'
export type { ClientSessionOptions } from './session/session_options.js'
