import { user_config } from '@bt/test-support/vitest'
import { defineConfig, mergeConfig } from 'vitest/config'

export default mergeConfig(
  user_config,
  defineConfig({
    test: {
      coverage: {
        // Code that runs in other processes, where coverage is not collected. bench.test.ts and
        // restarts.test.ts run all of it.
        exclude: [
          'src/load/**',
          'src/main.ts',
          'src/process/commands.ts',
          'src/restarts/{clients,main,server}.ts',
          'src/subjects/**',
          'src/wire/**',
        ],
        // Some branches run only on machines without `taskset`, a second core, or Linux.
        thresholds: { branches: 90 },
      },
    },
  }),
)
