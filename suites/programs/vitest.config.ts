import { mergeConfig } from 'vitest/config'
// @boundaries-ignore the test settings are one file for all packages
import { package_config } from '../../vitest.shared.ts'

// These tests wait for other processes, more than they work, and for some to start.
export default mergeConfig(package_config, { test: { maxWorkers: 3 } })
