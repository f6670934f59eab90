import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunningProgram } from '@bt/test-support/running_program'
import { samples_of } from '@bt/test-support/samples'
import { expect } from 'vitest'
import type { IsolatedUser } from './isolated_user.ts'
import { ROOT } from './repository.ts'

/** The address in both samples, which tests replace with a free port. */
const ADDRESS = '127.0.0.1:8081'

/** The output of the client sample, as the README shows it. */
export const CLIENT_OUTPUT = ['from server: welcome', 'from server: echo:hello', 'closed']

/** Added to the server sample: it uses a free port here, and tests have to learn which. */
const LOG_ADDRESS = "void server.opened.then(() => console.log('listening at ' + server.addr))\n"

/** The code of the server sample and of the client sample. */
export interface Samples {
  readonly server: string
  readonly client: string
}

/** A command that runs a file, and the extension that this file needs. */
export interface Runtime {
  readonly command: string
  readonly args: readonly string[]
  readonly extension: 'mjs' | 'cjs'
}

/** Both samples as in the README, valid as ECMAScript modules and as TypeScript. */
export const SAMPLES: Samples = { server: sample('server') + LOG_ADDRESS, client: sample('client') }

/** Both samples with `require` instead of `import`. */
export const COMMONJS_SAMPLES: Samples = {
  server: with_require(SAMPLES.server),
  client: with_require(SAMPLES.client),
}

/** Runs both samples in a folder, the client against the server, and expects the output from the README. */
export async function expect_samples_to_run(
  user: IsolatedUser,
  folder: string,
  samples: Samples,
  runtime: Runtime,
): Promise<void> {
  const { server, address } = await start_server(user, folder, samples.server, runtime)
  const client = join(folder, `client.${runtime.extension}`)
  writeFileSync(client, with_address(address, samples.client))
  const { status, stdout, stderr } = await user.try_run(folder, runtime.command, ...runtime.args, client)
  expect({ status, output: stdout + stderr }).toEqual({ status: 0, output: `${CLIENT_OUTPUT.join('\n')}\n` })
  await server.says(/^ws closed:127\.0\.0\.1:\d+$/m)
}

/** Starts the server sample, and returns the address where it listens. */
export async function start_server(
  user: IsolatedUser,
  folder: string,
  code: string,
  { command, args, extension }: Runtime,
): Promise<{ readonly server: RunningProgram; readonly address: string }> {
  const file = join(folder, `server.${extension}`)
  writeFileSync(file, with_address('127.0.0.1:0', code))
  const server = user.start(folder, command, ...args, file)
  return { server, address: await server.says(/^listening at (.*)$/m) }
}

/** Replaces the address in the code of a sample. */
export function with_address(address: string, code: string): string {
  return code.replaceAll(ADDRESS, address)
}

function sample(name: string): string {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const found = samples_of(readme).get(name)
  if (found === undefined) throw new Error(`the README has no sample "${name}"`)
  return found
}

function with_require(code: string): string {
  return code.replace("import * as net from '@bt/net'", "const net = require('@bt/net')")
}
