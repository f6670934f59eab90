// Runs turbo with its telemetry and notices off, whatever the shell or the platform.
// With `--quiet` as the first argument, turbo's output is shown only when the run fails.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'

const args = process.argv.slice(2)
const quiet = args[0] === '--quiet'
if (quiet) args.shift()

const turbo = createRequire(import.meta.url).resolve('turbo/bin/turbo')
const run = spawnSync(process.execPath, [turbo, ...args], {
  stdio: ['inherit', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
  maxBuffer: 64 * 1024 * 1024,
  env: {
    ...process.env,
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    TURBO_PRINT_VERSION_DISABLED: '1',
    ...(process.stdout.isTTY || process.env.FORCE_COLOR ? {} : { NO_COLOR: '1', FORCE_COLOR: '0' }),
  },
})
if (run.error) throw run.error
if (quiet && run.status !== 0) {
  process.stdout.write(run.stdout)
  process.stderr.write(run.stderr)
}
process.exitCode = run.status ?? 1
