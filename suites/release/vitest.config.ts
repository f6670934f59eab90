import { user_config } from '@bt/test-support/vitest'
import { mergeConfig } from 'vitest/config'

// These tests run slow programs: package managers, compilers, a browser.
export default mergeConfig(user_config, {
  test: { maxWorkers: 2, testTimeout: 300_000, hookTimeout: 300_000 },
})
