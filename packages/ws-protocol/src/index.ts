export { type AbortSignalLike, close_on_abort } from './abort.js'
export {
  BIND_EXPECTED,
  type BindAddress,
  format_address,
  is_loopback_host,
  parse_bind,
  type TcpAddress,
  type UnixAddress,
} from './address.js'
export { Backoff, type BackoffSettings } from './backoff.js'
export {
  type BrokerOptions,
  broker_name,
  broker_rules,
  client_options_rule,
} from './broker_options.js'
export type { CancelTimer, Clock } from './clock.js'
export {
  ABNORMAL_CLOSURE,
  GOING_AWAY,
  MESSAGE_TOO_BIG,
  NORMAL_CLOSURE,
  SERVICE_RESTART,
  TRY_AGAIN_LATER,
} from './close_code.js'
export type { CloseCause, CloseInfo } from './close_info.js'
export type { ClusterLink, ClusterPort, ClusterSink } from './cluster_port.js'
export {
  Connection,
  type ConnectionOwner,
  type ConnectionRetry,
  type ConnectionSettings,
  type ConnectionState,
  closed_error,
} from './connection.js'
export { deflate_offers } from './deflate_offer.js'
export {
  describe_cause,
  describe_count,
  describe_url,
  describe_value,
  NET_ERROR_CODES,
  NetError,
  type NetErrorCode,
} from './errors.js'
export type {
  Channel,
  ChannelEvents,
  ChannelName,
  Channels,
  CloseDetails,
  ConnectionEvent,
  ErrorDetails,
  MessageDetails,
  RefusedEvent,
} from './events.js'
export type { WriteText } from './frame.js'
export { type FrameBatch, type FrameMemory, FrameQueue } from './frame_queue.js'
export type { ConnectionHandle } from './handle.js'
export { has_token, list_elements } from './header_list.js'
export { type Beating, Heartbeat, LOOKS_PER_HEARTBEAT } from './heartbeat.js'
export { type CallbackKind, INBOX_LIMIT_BYTES, type InboxOwner, type MessageListener } from './inbox.js'
export type { Closing, Ending, LateMessages } from './lifecycle.js'
export { type MessageBatch, MessageQueue } from './message_queue.js'
export {
  type CheckedOptions,
  check_options,
  describe_parts,
  describe_secret,
  describe_type,
  type FilledOptionRule,
  type OptionRule,
  type OptionRules,
  type RequiredOptionRule,
  read_option,
} from './option_rule.js'
export {
  type CompressionOptions,
  type ConnectionOptions,
  callback,
  connection_rules,
  exactly,
  type FilledConnectionOption,
  is_token,
  is_whole_number,
  MAX_DELAY_MS,
  milliseconds,
  text_flaw,
  token_flaw,
  type WsOption,
  whole_number,
} from './options.js'
export type { OutboxOwner, OutboxSettings, QueueBudget } from './outbox.js'
export { as_payload, type MessageData, type Sendable } from './payload.js'
export { start_peer_timeout } from './peer_timeout.js'
export type { Platform } from './platform.js'
export { is_thenable, report_error } from './report.js'
export { read_retry_hint, with_retry_hint } from './retry_hint.js'
export { is_route, matches_route, parse_target, type RequestTarget, ROUTE_EXPECTED } from './route.js'
export { BATCH_BYTES, type Batch, type SendQueue } from './send_queue.js'

export {
  type FrameSource,
  type ReceivedMessages,
  received_messages,
  SharedBatch,
  SharedFrames,
  TurnFramer,
} from './shared_frames.js'
export { escape_text, shown_text, shown_url } from './shown_text.js'
export type { Runnable, SocketPort, SocketSink } from './socket_port.js'
export {
  certificates_rule,
  identity_rules,
  key_rule,
  min_version_rule,
  type Pem,
  passphrase_rule,
  type TlsIdentity,
  type TlsTrust,
  type TlsVersion,
} from './tls.js'
export { utf8_length } from './utf8.js'
export { limit_warnings } from './warning_limit.js'
