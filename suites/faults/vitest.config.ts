import { defineConfig, mergeConfig } from 'vitest/config'
// @boundaries-ignore the test settings are one file for all packages
import { package_config } from '../../vitest.shared.ts'
import { FaultCounter } from './test/fault_counter.ts'

export default mergeConfig(
  package_config,
  // One file at a time: what is stopped, starved and cut here should be disturbed by nothing else.
  defineConfig({ test: { isolate: true, fileParallelism: false, reporters: [new FaultCounter()] } }),
)
