import { user_config } from '@bt/test-support/vitest'
import { mergeConfig } from 'vitest/config'

// Most tests here wait for a page or a program, and this suite is one of the last that `npm test` starts.
export default mergeConfig(user_config, { test: { maxWorkers: 2 } })
