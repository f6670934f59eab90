import { user_config } from '@bt/test-support/vitest'
import { mergeConfig } from 'vitest/config'

// These tests mostly wait for other processes, so more of them than there are cores can run at once.
export default mergeConfig(user_config, { test: { maxWorkers: 3 } })
