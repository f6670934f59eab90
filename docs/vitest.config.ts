import { user_config } from '@bt/test-support/vitest'
import { mergeConfig } from 'vitest/config'

// Most tests here start programs and browsers, and wait for them.
export default mergeConfig(user_config, {
  test: { include: ['examples/*.test.ts'], maxWorkers: 2, globalSetup: 'test/bundled_net.ts' },
})
