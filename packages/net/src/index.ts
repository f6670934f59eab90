export type {
  ReconnectInfo,
  ReconnectOptions,
  TlsConnectOptions,
  WsClient,
  WsConnectOptions,
} from '@bt/ws-client'
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
  type Pem,
  type Sendable,
  type TlsIdentity,
  type TlsTrust,
  type TlsVersion,
} from '@bt/ws-protocol'
export type {
  BroadcastOptions,
  CertificateName,
  ClientCertificate,
  ClientCertificates,
  CloseOptions,
  HandshakeHeaders,
  HandshakeRequest,
  RefusalReason,
  RoundTripStats,
  TlsListenOptions,
  WsListenOptions,
  WsServer,
  WsServerError,
  WsServerStats,
  WsSocket,
} from '@bt/ws-server'
export { connect } from './connect.js'
export { listen } from './listen.js'
