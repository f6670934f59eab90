import type { OptionRule } from '@bt/ws-protocol/internal'
import type { TlsConnectOptions } from './tls_options.js'

/** The options that may be functions of each attempt. */
export type ComputedOption = 'url' | 'protocols' | 'headers' | 'tls'

/** The options of one attempt. */
export interface AttemptOptions {
  readonly url: string
  readonly protocols: string[]
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly tls: TlsConnectOptions | undefined
  readonly max_payload: number
  /** 1 if binary messages have a leading byte, which does not count in `max_payload`. */
  readonly leading_bytes?: 0 | 1
}

/** The rules of the options that may be functions. */
export type ComputedRules = Readonly<Record<ComputedOption, OptionRule<unknown>>>
