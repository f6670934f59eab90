// What the cases of ports use of the build for production.
export { Connection } from '@bt/ws-protocol/internal'
export { browser_platform } from '../../src/browser/platform.js'
export { WebSocketPort } from '../../src/browser/web_socket_port.js'
