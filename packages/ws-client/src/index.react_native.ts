export { NET_ERROR_CODES, NetError } from '@bt/ws-protocol'
export { connect } from './react_native/connect.js'
