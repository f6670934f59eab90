export { NET_ERROR_CODES, NetError, probe } from '@bt/ws-protocol'
export { connect } from './browser/connect_with_headers.js'
