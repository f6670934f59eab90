import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
// @boundaries-ignore programs for tests are started in one place
import { RunningProgram } from '../../../scripts/running_program.mjs'

const BUILT = fileURLToPath(new URL('../../dist', import.meta.url))

/** An example as it was built, running; it is killed when the test is over. */
export class Program extends RunningProgram {
  constructor(name: string, env: Readonly<Record<string, string>> = {}, args: readonly string[] = []) {
    super(process.execPath, [resolve(BUILT, `${name}.js`), ...args], { env: { ...process.env, ...env } })
    onTestFinished(async () => {
      await this.stop('SIGKILL')
    })
  }

  /** Where it says that it listens. */
  url(): Promise<string> {
    return this.says(/listening on (\S+)/)
  }
}
