import type { CloseInfo, WsServerStats } from '@bt/net'

/** What a process tells its test. */
export type Told =
  | { readonly event: 'listening'; readonly addr: string }
  | { readonly event: 'open'; readonly id: string }
  | { readonly event: 'message'; readonly id: string; readonly data: string }
  | { readonly event: 'close'; readonly id: string; readonly info: CloseInfo }
  | { readonly event: 'error'; readonly code: string; readonly message: string }
  | {
      readonly event: 'reconnecting'
      readonly attempt: number
      readonly delay_ms: number
      readonly info: CloseInfo
      readonly code: string | undefined
    }
  | { readonly event: 'sent'; readonly full: number; readonly queued: number }
  | {
      readonly event: 'measured'
      readonly heap_bytes: number
      readonly rss_bytes: number
      readonly descriptors: number
      readonly stats: WsServerStats
    }

/** What a test orders a server's process to do. */
export type ServerOrder =
  /** Sends numbered messages to every socket, and tells how many were not taken. */
  | { readonly do: 'send'; readonly count: number; readonly size: number }
  | { readonly do: 'measure' }
  | { readonly do: 'jump_clock'; readonly every_ms: number }

/** What a test orders a client's process to do. */
export type ClientOrder =
  | { readonly do: 'connect' }
  | { readonly do: 'send'; readonly from: number; readonly to: number; readonly size: number }
  | { readonly do: 'take_descriptors' | 'give_descriptors' }
  | { readonly do: 'jump_clock'; readonly every_ms: number }

/** Tells the test. */
export function tell(told: Told): void {
  process.send?.(told)
}
