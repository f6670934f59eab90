export * from './fake_clock.js'
export * from './fake_platform.js'
export * from './fake_socket.js'
export * from './port_cases.js'
