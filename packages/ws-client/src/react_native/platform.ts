import type { Platform } from '@bt/ws-protocol/internal'
import { browser_platform } from '../browser/platform.js'

/** The platform of React Native, which never says that there is no network. */
export const react_native_platform: Platform = {
  ...browser_platform,
  make_controller() {
    const controller = new AbortController()
    const { signal } = controller
    return {
      signal,
      abort(reason) {
        // The AbortController of React Native ignores the reason.
        if (!('reason' in signal)) Object.defineProperty(signal, 'reason', { value: reason })
        controller.abort(reason)
      },
    }
  },
}
