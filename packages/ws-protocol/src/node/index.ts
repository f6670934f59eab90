export * from './broken_rule.js'
export * from './compression.js'
export * from './platform.js'
export * from './ws_port.js'
