import { mergeConfig } from 'vitest/config'
// @boundaries-ignore the test settings are one file for all packages
import { package_config } from '../vitest.shared.ts'

// Most tests here start programs and browsers, and wait for them.
export default mergeConfig(package_config, { test: { maxWorkers: 2, globalSetup: 'test/bundled_net.ts' } })
