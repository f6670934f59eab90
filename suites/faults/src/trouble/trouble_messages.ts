import type { ConversationRecord } from '@bt/test-support/conversation'

/** The clients that live through trouble. */
export type ClientName = 'node' | 'page'

/** What a client reports; `at_ms` is the wall clock, which all processes of the machine share. */
export type TalkerEvent =
  | { readonly event: 'open' | 'message'; readonly at_ms: number }
  /** An open connection was lost. */
  | { readonly event: 'lost'; readonly at_ms: number; readonly cause: string; readonly code: number }
  /** An attempt was refused with a status, or failed. */
  | { readonly event: 'failed'; readonly at_ms: number; readonly why: string }
  | { readonly event: 'closed'; readonly at_ms: number; readonly code: number }
  | { readonly event: 'record'; readonly record: ConversationRecord }

/** What a client is asked to do; `stop` ends its own messages, and `record` asks for its record. */
export type TalkerCommand = 'stop' | 'record'

/** What the server reports. */
export type TroubleServerEvent =
  | { readonly event: 'closing' | 'expired' | 'listening'; readonly at_ms: number }
  /** By the names of the clients. */
  | { readonly event: 'records'; readonly records: Readonly<Record<string, ConversationRecord>> }

/** What the server is asked to do. */
export type TroubleServerCommand =
  /** Makes the tokens in use, and the next one of each client, expire. */
  | { readonly command: 'expire' }
  | { readonly command: 'restart'; readonly spread_ms: number; readonly down_ms: number }
  | { readonly command: 'stop' }
  | { readonly command: 'records' }
