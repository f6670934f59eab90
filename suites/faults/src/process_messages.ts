import type { CloseInfo, WsServerStats } from '@bt/net'

/** What a process reports to its test. */
export type ProcessEvent =
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
  | { readonly event: 'sent'; readonly rejected: number; readonly queued: number }
  | {
      readonly event: 'measured'
      readonly heap_bytes: number
      readonly rss_bytes: number
      readonly descriptors: number
      readonly stats: WsServerStats
    }

/** What a test asks a server's process to do. */
export type ServerCommand =
  /** Sends numbered messages to every socket, and reports how many of them `send` rejected. */
  | { readonly command: 'send'; readonly count: number; readonly size: number }
  | { readonly command: 'measure' }
  | { readonly command: 'jump_clock'; readonly interval_ms: number }

/** What a test asks a client's process to do. */
export type ClientCommand =
  | { readonly command: 'connect' }
  | { readonly command: 'send'; readonly from: number; readonly to: number; readonly size: number }
  | { readonly command: 'exhaust_descriptors' | 'release_descriptors' }
  | { readonly command: 'jump_clock'; readonly interval_ms: number }

/** Reports an event to the test that started this process. */
export function report(event: ProcessEvent): void {
  process.send?.(event)
}
