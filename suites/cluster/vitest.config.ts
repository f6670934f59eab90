import { defineConfig, mergeConfig } from 'vitest/config'
// @boundaries-ignore the test settings are one file for all packages
import { package_config } from '../../vitest.shared.ts'

export default mergeConfig(
  package_config,
  // One file at a time: servers and brokers that are stopped here should be disturbed by nothing else.
  defineConfig({ test: { fileParallelism: false } }),
)
