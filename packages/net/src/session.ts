export {
  type ClientSession,
  type ClientSessionOptions,
  type SessionOpening,
  session,
} from '@bt/ws-client/session'
