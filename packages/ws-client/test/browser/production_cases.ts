// The cases of ports, in a bundle of whose connection and port are those of the build for production.
export { port_cases } from '@bt/ws-protocol/testing'
export { browser_platform } from '../../src/browser/platform.js'
export { WebSocketPort } from '../../src/browser/web_socket_port.js'
