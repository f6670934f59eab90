import { package_config } from '@bt/test-support/vitest'
import { defineConfig, mergeConfig } from 'vitest/config'

export default mergeConfig(
  package_config,
  // Each test has a broker and servers of its own, and mostly waits for them: several of a file run at once. More at once would need more
  // processes, and starting those takes most of the CPU time.
  defineConfig({ test: { fileParallelism: false, maxConcurrency: 3 } }),
)
