export { NET_ERROR_CODES, NetError } from '@bt/ws-protocol'
export { connect } from './connect.js'
export { listen } from './listen.browser.js'
