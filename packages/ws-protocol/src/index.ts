export type { CloseCause, CloseInfo } from './connection/close_info.js'
export type {
  CloseDetails,
  ConnectionEvent,
  ErrorDetails,
  MessageDetails,
  RefusedEvent,
} from './connection/events.js'
export type { ConnectionHandle } from './connection/handle.js'
export type { ConnectionState } from './connection/lifecycle.js'
export { type ProbeOptions, probe } from './connection/probe.js'
export type { LateMessages } from './connection/server_connection.js'
export { NET_ERROR_CODES, NetError, type NetErrorCode } from './errors/errors.js'
export type { MessageData, Sendable } from './frames/payload.js'
export type { AbortSignalLike, PlatformAbortSignal } from './options/abort.js'
export type { CompressionOptions, ConnectionOptions, MemoryNetworkLike } from './options/options.js'
export type { Probe, ProbedConnection } from './options/probe_option.js'
export type { Pem, TlsIdentity, TlsTrust, TlsVersion } from './options/tls.js'
