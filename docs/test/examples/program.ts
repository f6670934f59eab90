import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RunningProgram } from '@bt/test-support/running_program'
import { inject, onTestFinished } from 'vitest'

/** Where the examples import `@bt/net` as users do, file by file. */
export const DIST: string = fileURLToPath(new URL('../../dist', import.meta.url))

/** An example as it was built, running; it is killed when the test is over. */
export class Program extends RunningProgram {
  constructor(
    name: string,
    env: Readonly<Record<string, string>> = {},
    args: readonly string[] = [],
    folder: string = inject('program_folder'),
  ) {
    super(process.execPath, [join(folder, `${name}.js`), ...args], { env: { ...process.env, ...env } })
    onTestFinished(async () => {
      await this.stop('SIGKILL')
    })
  }

  /** Where it says that it listens. */
  url(): Promise<string> {
    return this.says(/listening on (\S+)/)
  }
}
