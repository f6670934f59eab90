// Lists the names of members that are not ours alone: users of the client see them, or the platform has them.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const COMMENT = /\/\*[\s\S]*?\*\/|\/\/.*/g
const EXPORT = /^export [^;']* from '([^']+)'/gm

/** Returns every word of the declarations that come with TypeScript: ECMAScript's, and those of browsers. */
export function platform_names() {
  const { resolve } = createRequire(createRequire(import.meta.url).resolve('typescript/package.json'))
  const manifest = resolve(`@typescript/typescript-${process.platform}-${process.arch}/package.json`)
  const folder = join(dirname(manifest), 'lib')
  const files = readdirSync(folder).filter(name => /^lib\..*\.d\.ts$/.test(name))
  return new Set(files.flatMap(name => words_of(join(folder, name))))
}

/** @param {string} path */
function words_of(path) {
  return readFileSync(path, 'utf8').replace(COMMENT, '').match(/\w+/g) ?? []
}

/**
 * Returns every word of the declarations that a package exports, and of those that it exports from others.
 * More than the names of members: it is only needed that none of these is missing.
 * @param {string} path the declarations of its main entry
 * @param {Set<string>} [words]
 * @returns {Set<string>}
 */
export function public_names(path, words = new Set()) {
  const text = readFileSync(path, 'utf8')
  for (const word of words_of(path)) words.add(word)
  for (const [, from = ''] of text.matchAll(EXPORT)) public_names(resolve(from, path), words)
  return words
}

/**
 * @param {string} from
 * @param {string} path
 */
function resolve(from, path) {
  if (from.startsWith('.')) return join(dirname(path), from.replace(/\.js$/, '.d.ts'))
  return createRequire(path)
    .resolve(from)
    .replace(/\.c?js$/, '.d.ts')
}
