import type { CloseInfo } from '../../src/connection/close_info.js'
import type {
  ConnectionEvents,
  ConnectionRetry,
  ConnectionSettings,
} from '../../src/connection/connection.js'
import type { Ending } from '../../src/connection/lifecycle.js'
import type { NetError } from '../../src/errors/errors.js'
import { check_options } from '../../src/options/option_rule.js'
import { connection_rules } from '../../src/options/options.js'

/** Takes a connection's part on the user's side, and writes down all that it is told. */
export class Owner implements ConnectionEvents<string> {
  readonly heard: string[] = []
  readonly errors: NetError[] = []
  infos: CloseInfo[] = []
  end_error: NetError | undefined
  message_returns: (data: string | Uint8Array) => unknown = () => undefined

  on_open(): unknown {
    return this.heard.push('on_open') && undefined
  }
  on_message(_handle: string, data: string | Uint8Array): unknown {
    this.heard.push(`on_message ${data}`)
    return this.message_returns(data)
  }
  on_close(_handle: string, info: CloseInfo): unknown {
    this.infos.push(info)
    return this.heard.push('on_close') && undefined
  }
  report(_handle: string, error: NetError): void {
    this.errors.push(error)
  }
  opened(): void {
    this.heard.push('opened')
  }
  ended(_handle: string, _info: CloseInfo, error: NetError | undefined): void {
    this.end_error = error
    this.heard.push('ended')
  }
}

/** The defaults, but for a queue that a test can fill. */
export const settings: ConnectionSettings = {
  ...check_options('connection', {}, connection_rules),
  side: 'client',
  max_queue: 1_000,
}

/** One who connects again, as often as `may_retry` says, and writes that down, too. */
export class RetryingOwner extends Owner {
  /** Whether there is to be another socket. */
  may_retry: (ending: Ending, error: NetError | undefined) => boolean = () => true
  /** What it was asked about. */
  readonly asked: { readonly ending: Ending; readonly error: NetError | undefined }[] = []
  /** What it was told that there will be another socket after. */
  readonly losses: { readonly info: CloseInfo; readonly error: NetError | undefined }[] = []

  readonly retry: ConnectionRetry<string> = {
    allows: (ending, error) => {
      this.asked.push({ ending, error })
      return this.may_retry(ending, error)
    },
    lost: (_handle, info, error) => {
      this.losses.push({ info, error })
      this.heard.push('lost')
    },
  }
}
