import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunningProgram } from '@bt/test-support/running_program'
import { samples_of } from '@bt/test-support/samples'
import { expect } from 'vitest'
import type { Person } from './person.ts'
import { ROOT } from './repository.ts'

/** Where both samples are at home; it is replaced in the code that is run, by a port that is free. */
const ADDRESS = '127.0.0.1:8081'

/** What the client's sample prints, as the README shows it. */
export const PRINTED = ['from server: welcome', 'from server: echo:hello', 'closed']

/** The one line that the server's sample lacks here: it does not say where it listens, and was told to take a free port. */
const SAY_ADDRESS = "void server.opened.then(() => console.log('listening at ' + server.addr))\n"

/** Both samples, in some form. */
export interface Samples {
  readonly server: string
  readonly client: string
}

/** How samples are run. */
export interface Way {
  readonly command: string
  readonly args: readonly string[]
  /** Of the files. */
  readonly extension: 'mjs' | 'cjs'
}

/** Both samples as the README has them: ECMAScript modules, and TypeScript. */
export const SAMPLES: Samples = { server: sample('server') + SAY_ADDRESS, client: sample('client') }

/** Both samples for programs that have no `import`. */
export const COMMONJS_SAMPLES: Samples = {
  server: with_require(SAMPLES.server),
  client: with_require(SAMPLES.client),
}

/** Runs both samples in a folder, the client against the server, and expects of them what the README says. */
export async function expect_to_run(
  person: Person,
  folder: string,
  samples: Samples,
  { command, args, extension }: Way,
): Promise<void> {
  const { server, address } = await start_server(person, folder, samples.server, {
    command,
    args,
    extension,
  })
  const client = join(folder, `client.${extension}`)
  writeFileSync(client, at(address, samples.client))
  const { status, stdout, stderr } = await person.tries(folder, command, ...args, client)
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: `${PRINTED.join('\n')}\n` })
  await server.says(/^ws closed:127\.0\.0\.1:\d+$/m)
}

/** Starts the server's sample, and says where it listens. */
export async function start_server(
  person: Person,
  folder: string,
  code: string,
  { command, args, extension }: Way,
): Promise<{ readonly server: RunningProgram; readonly address: string }> {
  const file = join(folder, `server.${extension}`)
  writeFileSync(file, at('127.0.0.1:0', code))
  const server = person.starts(folder, command, ...args, file)
  return { server, address: await server.says(/^listening at (.*)$/m) }
}

/** Code that has the samples' address, with another one. */
export function at(address: string, code: string): string {
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
