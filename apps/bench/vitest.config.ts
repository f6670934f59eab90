import { defineConfig, mergeConfig } from 'vitest/config'
// @boundaries-ignore the test settings are one file for all packages
import { package_config } from '../../vitest.shared.ts'

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
