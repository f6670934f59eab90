import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { package_config } from '@bt/test-support/vitest'
import { port_cases } from '@bt/ws-protocol/testing'
import { build, type Rolldown } from 'vite'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { page_code } from '../../page_builds/build.mjs'
import { stop_all } from '../echo_server.js'
import { harness_of } from './port_harness.js'

type Cases = typeof import('./production_cases.js')

const path_of = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const PARTS = path_of('production_parts.ts')
const TESTING = path_of('../../../ws-protocol/src/testing')
const TESTED = /\/(browser\/(platform|web_socket_port)|connection\/connection)\.js$/

/** Every word of the cases and their harness: members with such a name keep it. */
function words_of_cases(): string[] {
  const files = [path_of('port_harness.ts'), ...readdirSync(TESTING).map(name => join(TESTING, name))]
  return files.flatMap(file => readFileSync(file, 'utf8').match(/\w+/g) ?? [])
}

/** Loads the cases together with a connection and a port that are built as for production. */
async function load_cases(): Promise<Cases> {
  const { code } = await page_code(PARTS, { has_texts: false, visible: words_of_cases() })
  const { output } = (await build({
    configFile: false,
    logLevel: 'error',
    ...(package_config.resolve === undefined ? {} : { resolve: package_config.resolve }),
    plugins: [
      {
        name: 'production-parts',
        enforce: 'pre',
        resolveId: id => (TESTED.test(id) ? PARTS : undefined),
        load: id => (id === PARTS ? code : undefined),
      },
    ],
    build: {
      write: false,
      minify: false,
      rolldownOptions: { input: path_of('production_cases.ts'), preserveEntrySignatures: 'strict' },
    },
  })) as Rolldown.RolldownOutput
  expect(output[0].code).toContain('net_error("queue_full")')
  return await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(output[0].code)}`)
}

afterEach(stop_all)

describe('the port and the connection of the build for production', () => {
  let cases: Cases
  beforeAll(async () => {
    cases = await load_cases()
  })

  it.each(port_cases.map(({ name }) => name))('%s', async name => {
    const tested = cases.port_cases.find(port_case => port_case.name === name)
    expect(tested).toBeDefined()
    await tested?.run(harness_of(WebSocket, cases))
  })
})
