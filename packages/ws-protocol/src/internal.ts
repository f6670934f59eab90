// Exports for our own packages only, which may change in any release.
export { CallbackMonitor } from './connection/callback_monitor.js'
export {
  Connection,
  type ConnectionEvents,
  type ConnectionRetry,
  type ConnectionSettings,
  closed_error,
} from './connection/connection.js'
export type { Channel, ChannelEvents, ChannelName, EventChannels } from './connection/events.js'
export { guard_names } from './connection/guard_names.js'
export {
  type CallbackName,
  INBOX_LIMIT_BYTES,
  type InboxEvents,
  type ListenerState,
} from './connection/inbox.js'
export type { Closing, Ending } from './connection/lifecycle.js'
export type { OutboxSettings, QueueBudget } from './connection/outbox.js'
export type { Platform } from './connection/platform.js'
export { probe } from './connection/probe.js'
export { callback_error, is_thenable, report_error } from './connection/report.js'
export { ServerConnection } from './connection/server_connection.js'
export type { Runnable, SocketEvents, SocketPort } from './connection/socket_port.js'
export { describe_cause, describe_count, describe_url, describe_value } from './errors/errors.js'
export { ReportOnce } from './errors/report_once.js'
export { escape_text, shown_text, shown_url } from './errors/shown_text.js'
export { limit_warnings } from './errors/warning_limit.js'
export {
  ABNORMAL_CLOSURE,
  GOING_AWAY,
  MESSAGE_TOO_BIG,
  NORMAL_CLOSURE,
  PROTOCOL_ERROR,
  SERVICE_RESTART,
  TRY_AGAIN_LATER,
  UNSUPPORTED_DATA,
} from './frames/close_code.js'
export {
  make_frame,
  OPCODE,
  own_frame_end,
  read_frames,
  type WriteText,
  whole_frames_end,
} from './frames/frame.js'
export { LEADING_BYTE } from './frames/leading_byte.js'
export { as_payload } from './frames/payload.js'
export { utf8_length } from './frames/utf8.js'
export { deflate_offers } from './handshake/deflate_offer.js'
export { has_token, list_elements } from './handshake/header_list.js'
export { is_loopback_host } from './handshake/loopback_host.js'
export { read_retry_hint, with_retry_hint } from './handshake/retry_hint.js'
export { close_on_abort } from './options/abort.js'
export {
  type CheckedOptions,
  check_option,
  check_options,
  check_options_with,
  describe_parts,
  describe_secret,
  describe_type,
  type FilledOptionRule,
  list_known,
  type OptionRule,
  type OptionRules,
  type RequiredOptionRule,
} from './options/option_rule.js'
export {
  callback,
  connection_rules,
  exactly,
  type FilledConnectionOption,
  is_token,
  is_whole_number,
  MAX_DELAY_MS,
  milliseconds,
  type NodeOption,
  protocols_rule,
  text_flaw,
  token_flaw,
  type WireOption,
  whole_number,
} from './options/options.js'
export {
  certificates_rule,
  identity_rules,
  key_rule,
  min_version_rule,
  passphrase_rule,
} from './options/tls.js'
export { BATCH_BYTES, type Batch, type FrameBatch } from './queues/batch.js'
export type { FrameMemory } from './queues/frame_memory.js'
export { FrameQueue } from './queues/frame_queue.js'
export { type MessageBatch, MessageQueue } from './queues/message_queue.js'
export type { SendQueue } from './queues/send_queue.js'
export {
  type FrameSource,
  type ReceivedMessages,
  received_messages,
  SharedBatch,
  SharedFrames,
  TurnFramer,
} from './queues/shared_frames.js'
export {
  type Control,
  type Hello,
  read_control,
  SESSION_PROTOCOL,
  type Welcome,
  write_control,
} from './session/control.js'
export { type Resumption, SessionViolation } from './session/session.js'
export { type SessionPlatform, with_sessions } from './session/session_platform.js'
export {
  type ClientSessionOwner,
  type ServerSessionOwner,
  SessionPort,
  type SessionPortSettings,
  SessionSocket,
} from './session/session_port.js'
export { type BackoffSettings, backoff_ms } from './time/backoff.js'
export type { CancelTimer, Clock } from './time/clock.js'
export { start_peer_timeout } from './time/peer_timeout.js'
export { PeriodicCheck } from './time/periodic_check.js'
