import { package_config } from '@bt/test-support/vitest'
import { defineConfig, mergeConfig } from 'vitest/config'

export default mergeConfig(
  package_config,
  defineConfig({
    test: {
      coverage: {
        // What runs in processes of its own, where coverage does not see it: bench.test.ts has all of it run.
        exclude: [
          'src/load/**',
          'src/main.ts',
          'src/process/commands.ts',
          'src/process/interrupted.ts',
          'src/subjects/**',
          'src/wire/**',
        ],
        // Some ways are for machines without `taskset`, a second core, or Linux.
        thresholds: { branches: 90 },
      },
    },
  }),
)
