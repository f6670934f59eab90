import { user_config } from '@bt/test-support/vitest'
import { defineConfig, mergeConfig } from 'vitest/config'

export default mergeConfig(
  user_config,
  // Each test has its own broker and servers, and mostly waits for them, so several tests of a file run at
  // once. More than three would need more processes, whose start takes most of the CPU time.
  defineConfig({ test: { fileParallelism: false, maxConcurrency: 3 } }),
)
