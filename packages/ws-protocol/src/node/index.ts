export * from './broken_rule.js'
export * from './platform.js'
export * from './ws_port.js'
export * from './ws_settings.js'
