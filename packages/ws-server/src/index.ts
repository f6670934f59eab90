/// <reference lib="esnext.disposable" preserve="true" />
export {
  type AbortSignalLike,
  type CloseCause,
  type CloseInfo,
  type ClusterLink,
  type ClusterPort,
  type ClusterSink,
  type CompressionOptions,
  type ConnectionHandle,
  type ConnectionOptions,
  type LateMessages,
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
export type { AdmissionOptions } from './admission_options.js'
export type { ForwardedHeader, TrustedProxies } from './client_address.js'
export type { CertificateName, ClientCertificate } from './client_certificate.js'
export type { ClusterStats } from './cluster/cluster.js'
export type { ClusterNode } from './cluster/nodes.js'
export type {
  AuthorizeRequest,
  HandshakeHeaders,
  HandshakeRequest,
  HandshakeSignal,
} from './handshake_request.js'
export type { HttpServerAddress, HttpServerLike } from './http_server_like.js'
export { listen } from './listen.js'
export type { WsListenOptions } from './options.js'
export type { AllowedOrigins } from './origin.js'
export type { RefusalReason } from './refusal.js'
export { refuse } from './refuse.js'
export type { RoundTripStats } from './round_trips.js'
export type { WsServerError } from './server_error.js'
export type { CloseOptions } from './shutdown.js'
export type { WsSocket } from './socket.js'
export type { ClientCertificates, TlsListenOptions } from './tls_options.js'
export type {
  BroadcastOptions,
  BroadcastToAllOptions,
  PublishError,
  WsServer,
  WsServerStats,
} from './ws_server.js'
