export { connect, probe } from '@bt/ws-client'
export { NET_ERROR_CODES, NetError } from '@bt/ws-protocol'
export { accept, refuse } from './decisions.browser.js'
export { listen } from './listen.browser.js'
