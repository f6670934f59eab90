import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { production_code } from '../../production/build.mjs'

const path_of = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The modules that the cases of ports use. */
const TESTED = /\/(browser\/(platform|web_socket_port)|connection\/connection)\.(js|ts)$/
const ENTRY = path_of('production_parts.ts')
const TESTING = path_of('../../../ws-protocol/src/testing/')

/** Makes a page of tests use the build of `connect` for production, instead of the sources. */
export const production_connect: Plugin = {
  name: 'production-connect',
  enforce: 'pre',
  resolveId: id =>
    id.endsWith('/src/index.browser.js') ? path_of('../../dist/production/index.browser.js') : undefined,
}

/**
 * The same for its parts, which `connect` does not show: they are built like it, except that members keep the names
 * which the cases of ports use.
 */
export const production_parts: Plugin = {
  name: 'production-parts',
  enforce: 'pre',
  resolveId: id => (TESTED.test(id) ? ENTRY : undefined),
  load: async id => (id === ENTRY ? (await production_code(ENTRY, words_of_cases())).code : undefined),
}

function words_of_cases(): string[] {
  const files = [path_of('port_page.ts'), ...readdirSync(TESTING).map(name => TESTING + name)]
  return files.flatMap(file => readFileSync(file, 'utf8').match(/\w+/g) ?? [])
}
