/// <reference lib="esnext.disposable" preserve="true" />
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
export type { HttpAgentLike } from './client/http_agent_like.js'
export type {
  ConnectAttempt,
  PerAttempt,
  PreviousEnd,
  ReconnectInfo,
  ReconnectOptions,
  WsConnectOptions,
} from './client/options.js'
export type { ClientSession, OnOpen, SessionOpening } from './client/session_option.js'
export type { TlsConnectOptions } from './client/tls_options.js'
export type { WsClient } from './client/ws_client.js'
export { connect } from './node/connect.js'
