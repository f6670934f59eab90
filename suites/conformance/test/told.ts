import type { CloseInfo, NetError } from '@bt/net'

/** What a user of `@bt/net` was told of one connection, in the order in which it was told. */
export interface Told {
  readonly messages: (string | Uint8Array)[]
  readonly errors: NetError[]
  readonly infos: CloseInfo[]
}

export function told_nothing(): Told {
  return { messages: [], errors: [], infos: [] }
}
