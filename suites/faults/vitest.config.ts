import { package_config } from '@bt/test-support/vitest'
import { defineConfig, mergeConfig } from 'vitest/config'
import { FaultCounter } from './test/fault_counter.ts'

export default mergeConfig(
  package_config,
  // One file at a time: what is stopped, starved and cut here should be disturbed by nothing else.
  defineConfig({ test: { isolate: true, fileParallelism: false, reporters: [new FaultCounter()] } }),
)
