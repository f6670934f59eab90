// Builds `connect` for the pages of users, without what a page never uses; for production also without the texts of
// errors. Runs in the folder of the package, after its build. Its steps are in the files beside it;
// docs/decisions says why this is a step of the build.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, transform } from 'esbuild'
import { Edits } from './edits.mjs'
import { check_page_constants, UNUSED_MEMBERS, with_page_constants } from './page_constants.mjs'
import { platform_names, public_names } from './public_names.mjs'
import { parse } from './syntax_tree.mjs'
import { check_texts, TEXT_MEMBERS, without_texts } from './texts.mjs'
import { without_unused } from './unused.mjs'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const PROTOCOL = '@bt/ws-protocol'
/** What other packages have to share: there must be one class of errors in a page. */
const SHARED = ['NetError', 'NET_ERROR_CODES']

/** Members that are removed, though their names also occur elsewhere. */
const REMOVED_MEMBERS = new Set([...TEXT_MEMBERS, ...UNUSED_MEMBERS])

/**
 * Members whose names are shortened, though declarations of others have such a name, too: nothing that comes from
 * the platform or goes to users has them here. Tests compare what users get with the other build.
 */
const SHORTENED_MEMBERS = new Set([
  'attempts',
  'byte_length',
  'bytes',
  'can_send',
  'check',
  'close_in_order',
  'closing',
  'copy',
  'defer',
  'delivers',
  'detach',
  'drop',
  'end_socket',
  'ended',
  'ending',
  'enqueue',
  'entered',
  'fallback',
  'flush',
  'handle',
  'handled',
  'has_to_send',
  'is_close_sent',
  'lifecycle',
  'listener',
  'lost',
  'messages',
  'pause',
  'payload_bytes',
  'platform',
  'port',
  'promise',
  'queue',
  'release',
  'report',
  'resume',
  'resume_reading',
  'retry',
  'rules',
  'running',
  'settled',
  'side',
  'socket_drained',
  'soon',
  'start',
  'step',
  'take',
  'waiting',
  'wake',
  'went_silent',
  'will_retry',
])

/** Members whose names are also values, which no code uses to read a member. */
const ALSO_VALUES = new Set(['bytes', 'closing', 'fail', 'report'])

const manifest = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'))

/**
 * The page with all codes of errors, as it was at the release; without a repository, its path in it.
 * @param {{ name: string, version: string, repository?: { url: string } }} manifest
 */
export function errors_page({ name, version, repository }) {
  const path = 'docs/errors.md'
  return repository === undefined
    ? path
    : `${repository.url.replace(/^git\+|\.git$/g, '')}/blob/${name}@${version}/${path}`
}

/** The page that messages link to. */
export const ERRORS_PAGE = errors_page(manifest)

/**
 * Makes the error of a code, whose message links to the page that explains it. It replaces the class's
 * constructor, and is parsed as part of the code.
 */
const NET_ERROR = `
const net_error = (code, detail, options) =>
  new NetError(code, code + (detail ? ' ' + detail : '') + ': ${ERRORS_PAGE}#' + code, options);
`

/**
 * Returns the code of an entry for pages, with its source map.
 * @param {string} entry
 * @param {{ has_texts: boolean, visible?: Iterable<string> }} options `visible`: further names that others can see
 */
export async function page_code(entry, { has_texts, visible = [] }) {
  const shared = new Set(visible)
  const names = new Set([
    ...platform_names(),
    ...public_names(join(PACKAGE, 'dist/index.d.ts')),
    ...public_names(join(PACKAGE, 'dist/session.d.ts')),
  ])
  const is_own = (/** @type {string} */ name) =>
    REMOVED_MEMBERS.has(name) || (!shared.has(name) && (SHORTENED_MEMBERS.has(name) || !names.has(name)))
  const bundle = without_comments(await bundled(entry))
  const worded = has_texts ? bundle : with_net_error(without_texts(bundle))
  let code = await shaken(with_page_constants(worded, shared))
  for (;;) {
    const smaller = without_all_unused(code, is_own)
    if (smaller === code) break
    code = await shaken(smaller)
  }
  check_page_constants(code)
  if (!has_texts) check_texts(code)
  return await mangled(code, is_own)
}

/**
 * Bundles our own packages into one module, which still imports what has to be shared.
 * @param {string} entry
 */
async function bundled(entry) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    outdir: dirname(entry),
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    sourcemap: 'inline',
    charset: 'utf8',
    plugins: [
      {
        name: 'shared',
        setup({ onLoad, onResolve, resolve }) {
          // Every import of the shared names leads to the module that has them, and that one imports them.
          onResolve({ filter: /^@bt\/ws-protocol$/ }, async ({ path, kind, importer, resolveDir }) => {
            if (is_errors_module(importer)) return { path, external: true }
            const { path: internal } = await resolve(`${PROTOCOL}/internal`, { kind, resolveDir })
            return { path: join(dirname(internal), 'errors', 'errors.js') }
          })
          onLoad({ filter: /errors\.js$/ }, ({ path }) =>
            is_errors_module(path)
              ? { contents: with_shared_imports(readFileSync(path, 'utf8')) }
              : undefined,
          )
        },
      },
    ],
  })
  return outputFiles[0]?.text ?? ''
}

/** @param {string} path */
const is_errors_module = path => /[\\/]ws-protocol[\\/]dist[\\/]errors[\\/]errors\.js$/.test(path)

/** @param {string} code */
function with_shared_imports(code) {
  const edits = new Edits(code)
  for (const { type, declaration, start, end } of parse(code).nodes) {
    const name = declaration?.id?.name ?? declaration?.declarations?.[0].id.name
    if (type === 'ExportNamedDeclaration' && SHARED.includes(name)) edits.replace(start, end)
  }
  return `${edits.text}\nimport { ${SHARED} } from '${PROTOCOL}'\nexport { ${SHARED} }\n`
}

/** @param {string} code */
function without_comments(code) {
  const edits = new Edits(code)
  for (const { start, end } of parse(code).comments)
    if (!/^\/\*\s*@__PURE__|^\/\/# sourceMappingURL/.test(code.slice(start, end))) edits.replace(start, end)
  return edits.text
}

/** @param {string} code */
const with_net_error = code => code.replace(/(?=\/\/# sourceMappingURL)/, NET_ERROR)

/**
 * Removes branches that never run, and what they alone use.
 * @param {string} code
 */
async function shaken(code) {
  const shaken = await transform(code, {
    format: 'esm',
    target: 'es2022',
    treeShaking: true,
    minifySyntax: true,
    sourcemap: 'inline',
    charset: 'utf8',
  })
  return shaken.code
}

/**
 * @param {string} code
 * @param {(name: string) => boolean} is_own
 * @returns {string}
 */
function without_all_unused(code, is_own) {
  const smaller = without_unused(code, is_own, REMOVED_MEMBERS)
  return smaller === code ? code : without_all_unused(smaller, is_own)
}

/**
 * Shortens the names of our own members: bundlers must not do so, since they do not know which ones are.
 * @param {string} code
 * @param {(name: string) => boolean} is_own
 */
async function mangled(code, is_own) {
  const { nodes } = parse(code)
  const values = new Set(nodes.map(({ type, value }) => (type === 'Literal' ? value : undefined)))
  const names = new Set(nodes.flatMap(({ property, key }) => [property?.name, key?.name]))
  const own = [...names].filter(
    name => name !== undefined && is_own(name) && (!values.has(name) || ALSO_VALUES.has(name)),
  )
  return await transform(code, {
    format: 'esm',
    target: 'es2022',
    mangleProps: new RegExp(`^(${own.join('|')})$`),
    sourcemap: 'external',
    charset: 'utf8',
  })
}

/**
 * Returns a source map with the sources in it, since most belong to another package.
 * @param {string} map
 * @param {string} from the folder that its paths start from
 * @param {string} to the folder of the map
 */
function with_sources(map, from, to) {
  const parsed = JSON.parse(map)
  const paths = parsed.sources.map((/** @type {string} */ source) => resolve(from, source))
  return JSON.stringify({
    ...parsed,
    sources: paths.map((/** @type {string} */ path) => relative(to, path).replaceAll('\\', '/')),
    sourcesContent: paths.map((/** @type {string} */ path) => readFileSync(path, 'utf8')),
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const entry = join(PACKAGE, 'dist/index.browser.js')
  for (const [name, has_texts] of /** @type {const} */ ([
    ['development', true],
    ['production', false],
  ])) {
    const file = join(PACKAGE, 'dist/page', `${name}.js`)
    const { code, map } = await page_code(entry, { has_texts })
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${code}//# sourceMappingURL=${basename(file)}.map\n`)
    writeFileSync(`${file}.map`, with_sources(map, dirname(entry), dirname(file)))
  }
}
