import type { CloseInfo, NetError } from '@bt/net'

/** What the callbacks of one connection have received, in order. */
export interface UserEvents {
  readonly messages: (string | Uint8Array)[]
  readonly errors: NetError[]
  readonly infos: CloseInfo[]
}

export function no_events(): UserEvents {
  return { messages: [], errors: [], infos: [] }
}
