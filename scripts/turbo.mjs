// Runs turbo without telemetry and notices, in the same way on every platform. With `--quiet` as the first
// argument, turbo's output is shown only if the run fails.
import { createRequire } from 'node:module'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { missing_programs } from '../packages/test-support/src/programs.mjs'
import { interrupted, run } from './children.mjs'

/**
 * Runs turbo, and returns its exit code.
 * @param {readonly string[]} args
 * @param {{ readonly quiet?: boolean }} [options]
 * @returns {Promise<number>}
 */
export async function turbo(args, { quiet = false } = {}) {
  const program = createRequire(import.meta.url).resolve('turbo/bin/turbo')
  const { code, output } = await run(process.execPath, [program, ...args], {
    stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    env: {
      ...process.env,
      // turbo.json lists this variable as an input of the tests.
      MISSING_PROGRAMS: missing_programs()
        .map(program => program.package)
        .join(),
      TURBO_TELEMETRY_DISABLED: '1',
      TURBO_NO_UPDATE_NOTIFIER: '1',
      TURBO_PRINT_VERSION_DISABLED: '1',
      ...(process.stdout.isTTY || process.env.FORCE_COLOR ? {} : { NO_COLOR: '1', FORCE_COLOR: '0' }),
    },
  })
  if (quiet && code !== 0 && interrupted() === undefined) process.stderr.write(output)
  return code
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const quiet = argv[2] === '--quiet'
  const code = await turbo(argv.slice(quiet ? 3 : 2), { quiet })
  process.exitCode = interrupted() ?? code
}
