export type { ReconnectInfo, ReconnectOptions, WsClient, WsConnectOptions } from '@bt/ws-client'
export {
  type AbortSignalLike,
  type CloseCause,
  type CloseInfo,
  type CompressionOptions,
  type ConnectionHandle,
  type ConnectionOptions,
  type ConnectionState,
  type MessageData,
  NET_ERROR_CODES,
  NetError,
  type NetErrorCode,
  type Sendable,
} from '@bt/ws-protocol'
export type {
  BroadcastOptions,
  CloseOptions,
  HandshakeHeaders,
  HandshakeRequest,
  RefusalReason,
  RoundTripStats,
  WsListenOptions,
  WsServer,
  WsServerError,
  WsServerStats,
  WsSocket,
} from '@bt/ws-server'
export { connect } from './connect.js'
export { listen } from './listen.js'
