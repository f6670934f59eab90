import { user_config } from '@bt/test-support/vitest'
import { defineConfig, mergeConfig } from 'vitest/config'
import { FaultCounter } from './test/fault_counter.ts'

export default mergeConfig(
  user_config,
  // Runs one file at a time, so that nothing else disturbs the processes and links under test.
  defineConfig({ test: { isolate: true, fileParallelism: false, reporters: [new FaultCounter()] } }),
)
