export { NET_ERROR_CODES, NetError } from '@bt/ws-protocol'
export { connect } from './browser/connect_with_headers.js'
