export { connect } from '@bt/ws-client'
export { NET_ERROR_CODES, NetError } from '@bt/ws-protocol'
export { listen } from './listen.browser.js'
export { refuse } from './refuse.browser.js'
