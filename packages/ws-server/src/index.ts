/// <reference lib="esnext.disposable" preserve="true" />
export {
  type AbortSignalLike,
  type CloseCause,
  type CloseInfo,
  type CompressionOptions,
  type ConnectionHandle,
  type ConnectionOptions,
  type ConnectionState,
  type LateMessages,
  type MessageData,
  NET_ERROR_CODES,
  NetError,
  type NetErrorCode,
  type Pem,
  type PlatformAbortSignal,
  type Probe,
  type ProbedConnection,
  type ProbeOptions,
  probe,
  type Sendable,
  type TlsIdentity,
  type TlsTrust,
  type TlsVersion,
} from '@bt/ws-protocol'
export type { ClusterLink, ClusterPort, ClusterSink } from '@bt/ws-protocol/broker'
export { type Accepted, type AcceptOptions, accept } from './admission/accept.js'
export type { AdmissionOptions } from './admission/admission_options.js'
export type { AllowedOrigins } from './admission/origin.js'
export { type RefuseOptions, refuse } from './admission/refuse.js'
export type { ClusterStats } from './cluster/cluster.js'
export type { ClusterNode } from './cluster/nodes.js'
export type { CertificateName, ClientCertificate } from './handshake/client_certificate.js'
export type { HandshakeHeaders } from './handshake/headers.js'
export type { RefusalReason } from './handshake/refusal.js'
export type {
  AuthorizeRequest,
  HandshakeRequest,
  RawRequest,
} from './handshake/request.js'
export type { RouteParams } from './handshake/route.js'
export type { ForwardedHeader, TrustedProxies, TrustProxyOption } from './handshake/trusted_proxies.js'
export type { HttpServerAddress, HttpServerLike } from './http/http_server_like.js'
export type { ClientCertificates, TlsListenOptions } from './http/tls_options.js'
export { listen } from './listen.js'
export type { WsListenOptions } from './options.js'
export type { SessionIdentity, SessionsOptions } from './sessions/sessions_option.js'
export type { BroadcastOptions, BroadcastToAllOptions, PublishError } from './sockets/broadcast_options.js'
export type { CloseOptions } from './sockets/close_options.js'
export type { RoundTripStats } from './sockets/round_trips.js'
export type { WsServerError } from './sockets/server_error.js'
export type { WsServerStats } from './sockets/server_stats.js'
export type { SessionStats } from './sockets/session_stats.js'
export type { WsSocket } from './sockets/socket.js'
export type { Broadcast, WsServer } from './ws_server.js'
