// @ts-check
// The vitest settings that all packages share. They are JavaScript because Node itself loads them.
import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import { test_run } from './vitest_run.mjs'

const packages = fileURLToPath(new URL('../../..', import.meta.url))

const { plugins, runner, reporters, coverage_reporter } = test_run()

/** The settings that hold for the packages and for those that use them. */
const shared_config = defineConfig({
  plugins,
  test: {
    include: ['test/**/*.test.ts'],
    // A process per file would take longer to start, and to load the sources, than most files run.
    isolate: false,
    setupFiles: fileURLToPath(new URL('./vitest_file.mjs', import.meta.url)),
    // Only a test that hangs should reach this, even on a slow machine with many suites in parallel.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    runner,
    reporters,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/index.ts'],
      reporter: coverage_reporter,
      thresholds: { lines: 95, branches: 95, functions: 95, statements: 95 },
    },
  },
})

/** The configuration of every package: tests run on the sources, not on a build, with a minimum coverage. */
/** @type {import('vitest/config').ViteUserConfig} */
export const package_config = mergeConfig(
  shared_config,
  defineConfig({
    resolve: {
      alias: [
        { find: /^@bt\/([a-z-]+)$/, replacement: `${packages}$1/src/index.ts` },
        { find: '@bt/net/testing', replacement: `${packages}net/src/testing/index.ts` },
        { find: '@bt/ws-protocol/broker', replacement: `${packages}ws-protocol/src/node/broker/index.ts` },
        { find: '@bt/ws-protocol/internal/node', replacement: `${packages}ws-protocol/src/node/index.ts` },
        { find: '@bt/ws-protocol/internal', replacement: `${packages}ws-protocol/src/internal.ts` },
        { find: '@bt/ws-protocol/testing', replacement: `${packages}ws-protocol/src/testing/index.ts` },
      ],
    },
  }),
)

/**
 * The configuration of the apps, the suites and the docs, which use the packages as users do: their tests run
 * on the build. Node loads it as it is, once for all test files of a process.
 */
export const user_config = mergeConfig(
  shared_config,
  defineConfig({ test: { server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } } } }),
)
