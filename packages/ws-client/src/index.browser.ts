export { NET_ERROR_CODES, NetError } from '@bt/ws-protocol'
export { probe } from '@bt/ws-protocol/internal'
export { connect } from './browser/connect.js'
export { session } from './browser/session.js'
