import { package_config } from '@bt/test-support/vitest'
import { mergeConfig } from 'vitest/config'

// These tests wait for other processes, more than they work, and for some to start.
export default mergeConfig(package_config, { test: { maxWorkers: 3 } })
