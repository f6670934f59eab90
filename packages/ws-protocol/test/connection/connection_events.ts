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

/** Records the events of a connection. */
export class RecordedEvents implements ConnectionEvents<string> {
  readonly log: string[] = []
  readonly errors: NetError[] = []
  infos: CloseInfo[] = []
  end_error: NetError | undefined
  message_result: (data: string | Uint8Array) => unknown = () => undefined

  on_open(): unknown {
    return this.log.push('on_open') && undefined
  }
  on_message(_handle: string, data: string | Uint8Array): unknown {
    this.log.push(`on_message ${data}`)
    return this.message_result(data)
  }
  on_close(_handle: string, info: CloseInfo): unknown {
    this.infos.push(info)
    return this.log.push('on_close') && undefined
  }
  report(_handle: string, error: NetError): void {
    this.errors.push(error)
  }
  opened(): void {
    this.log.push('opened')
  }
  ended(_handle: string, _info: CloseInfo, error: NetError | undefined): void {
    this.end_error = error
    this.log.push('ended')
  }
}

/** The default settings, except for a queue that a test can fill. */
export const settings: ConnectionSettings = {
  ...check_options('connection', {}, connection_rules),
  side: 'client',
  max_queue: 1_000,
}

/** Records the events of a connection that reconnects if `may_retry` returns `true`. */
export class RetryingEvents extends RecordedEvents {
  /** Returns whether to open another socket. */
  may_retry: (ending: Ending, error: NetError | undefined) => boolean = () => true
  /** The arguments of `retry.allows`. */
  readonly checked_endings: { readonly ending: Ending; readonly error: NetError | undefined }[] = []
  /** The arguments of `retry.lost`. */
  readonly losses: { readonly info: CloseInfo; readonly error: NetError | undefined }[] = []

  readonly retry: ConnectionRetry<string> = {
    allows: (ending, error) => {
      this.checked_endings.push({ ending, error })
      return this.may_retry(ending, error)
    },
    lost: (_handle, info, error) => {
      this.losses.push({ info, error })
      this.log.push('lost')
    },
  }
}
