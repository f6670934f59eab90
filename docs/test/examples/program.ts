import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RunningProgram } from '@bt/test-support/running_program'
import { inject, onTestFinished } from 'vitest'

/** The built examples, which import the files of `@bt/net` as users do, not the bundle of the tests. */
export const DIST: string = fileURLToPath(new URL('../../dist', import.meta.url))

/** A built example that runs as a process. It is killed when the test ends. */
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

  /** Resolves with the URL that it prints when it listens. */
  url(): Promise<string> {
    return this.says(/listening on (\S+)/)
  }
}
