import { mergeConfig } from 'vitest/config'
// @boundaries-ignore the test settings are one file for all packages
import { package_config } from '../../vitest.shared.ts'

// These tests wait for other programs, more than they work: package managers, compilers, a browser.
export default mergeConfig(package_config, { test: { testTimeout: 300_000, hookTimeout: 300_000 } })
