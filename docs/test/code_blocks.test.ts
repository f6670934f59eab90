import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { type Block, blocks_of } from '@bt/test-support/samples'
import { temporary_folder } from '@bt/test-support/temporary'
import { afterAll, expect, test } from 'vitest'
import { is_chinese, PAGES, ROOT } from './pages.ts'
import { unknown_commands } from './shell.ts'

/** The languages that a code block may have. */
const LANGUAGES: ReadonlySet<string> = new Set([
  ...['ts', 'tsx', 'js', 'json', 'sh', 'text'],
  ...['css', 'dockerfile', 'html', 'ini', 'nginx', 'promql', 'yaml'],
])
const TYPED: ReadonlySet<string> = new Set(['ts', 'tsx', 'js'])

/** The tests that run the samples (named code blocks) of each page. */
const RUN_BY: Readonly<Record<string, string | readonly string[]>> = {
  'README.md': 'packages/net/test/readme.test.ts',
  'packages/net/README.md': 'suites/repository/test/readmes.test.ts',
  'packages/ws-client/README.md': 'suites/repository/test/readmes.test.ts',
  'packages/ws-protocol/README.md': 'suites/repository/test/readmes.test.ts',
  'packages/ws-server/README.md': 'suites/repository/test/readmes.test.ts',
  'docs/README.md': 'docs/test/guides.test.ts',
  'docs/cluster.md': 'suites/cluster/test/cluster_guide.test.ts',
  'docs/nginx.md': 'suites/programs/test/nginx_guide.test.ts',
  'docs/observability.md': 'packages/net/test/observability.test.ts',
  'docs/scaling.md': 'packages/net/test/scaling.test.ts',
  'docs/getting_started.md': 'docs/test/guides.test.ts',
  'docs/server.md': ['docs/test/guides.test.ts', 'packages/net/test/readme.test.ts'],
  'docs/client.md': ['docs/test/guides.test.ts', 'packages/net/test/readme.test.ts'],
  'docs/browser.md': 'docs/test/guides.test.ts',
  'docs/closing.md': 'docs/test/guide_samples.test.ts',
  'docs/nothing_lost.md': 'docs/test/nothing_lost.test.ts',
  'docs/order.md': 'docs/test/guide_samples.test.ts',
  'docs/performance.md': 'docs/test/guide_samples.test.ts',
  'docs/security.md': 'docs/test/guide_samples.test.ts',
  'docs/sending.md': 'docs/test/guide_samples.test.ts',
  'docs/from_browser_websocket.md': 'docs/test/moving.test.ts',
  'docs/from_socket_io.md': 'docs/test/moving.test.ts',
  'docs/from_ws.md': 'docs/test/moving.test.ts',
}

/** A code block of an English page. The Chinese pages have the same code. */
interface PageBlock extends Block {
  readonly path: string
}

const blocks: readonly PageBlock[] = PAGES.filter(page => !is_chinese(page)).flatMap(({ path, text }) =>
  blocks_of(text).map(block => ({ ...block, path })),
)
/** Inside this package, so that the imports of a block resolve as in this package. */
const folder = temporary_folder('blocks', join(ROOT, 'docs'))
afterAll(() => rmSync(folder, { recursive: true }))

const location_of = ({ path, line }: PageBlock): string => `${path}:${line}`
const of_language = (...languages: readonly string[]): readonly PageBlock[] =>
  blocks.filter(({ language }) => languages.includes(language))

test('every code block names its language', () => {
  expect(blocks.filter(({ language }) => !LANGUAGES.has(language)).map(location_of)).toEqual([])
})

test('every sample is run by a test that reads its page', () => {
  const samples = blocks.filter(({ sample }) => sample !== undefined)
  expect(samples.filter(({ path }) => !(path in RUN_BY)).map(location_of)).toEqual([])
  for (const path of new Set(samples.map(({ path }) => path))) {
    for (const test of [RUN_BY[path] ?? ''].flat())
      expect(readFileSync(join(ROOT, test), 'utf8')).toContain(basename(path, '.md'))
  }
  const typed = blocks.filter(({ language }) => TYPED.has(language))
  const run = typed.filter(block => block.sample !== undefined)
  const pages = new Set(blocks.map(({ path }) => path)).size
  console.log(
    `${blocks.length} blocks on ${pages} pages: ${typed.length} are type-checked, and ${run.length} of these are run;` +
      ` ${of_language('json').length} blocks of JSON and ${of_language('sh').length} of shell commands are checked.`,
  )
})

test('TypeScript and JavaScript blocks pass the type check', () => {
  for (const block of blocks.filter(({ language }) => TYPED.has(language))) write(block)
  const settings = {
    extends: '../../tsconfig.test.json',
    compilerOptions: {
      lib: ['ES2022', 'ESNext.Disposable', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
      jsx: 'react-jsx',
      noEmit: true,
      pretty: false,
      incremental: false,
    },
  }
  const projects = {
    'tsconfig.json': { ...settings, include: ['**/*.ts', '**/*.tsx'] },
    // JavaScript has no type annotations, so this only checks that the names it uses exist.
    'tsconfig.js.json': {
      ...settings,
      compilerOptions: {
        ...settings.compilerOptions,
        strict: false,
        exactOptionalPropertyTypes: false,
        noImplicitReturns: false,
        checkJs: true,
      },
      include: ['**/*.js', '**/*.mjs'],
    },
  }
  for (const [name, project] of Object.entries(projects))
    writeFileSync(join(folder, name), JSON.stringify(project))
  const tsc = join(
    dirname(createRequire(join(ROOT, 'package.json')).resolve('typescript/package.json')),
    'bin/tsc',
  )
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [tsc, '--build', '--singleThreaded', ...Object.keys(projects)],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  )
  expect(compiler_errors(stdout + stderr)).toEqual([])
}, 120_000)

test('JSON blocks are valid', () => {
  for (const block of of_language('json'))
    expect(() => JSON.parse(block.code), location_of(block)).not.toThrow()
})

test('shell blocks use only commands, scripts and files that exist', () => {
  const unknown = of_language('sh').flatMap(block =>
    unknown_commands(block.code).map(command => `${location_of(block)}: ${command}`),
  )
  expect(unknown).toEqual([])
})

/** Writes a block to a file in the folder of its page, with the same line numbers as in the page. */
function write({ path, line, language, sample, code }: PageBlock): void {
  const extension = language === 'js' ? 'mjs' : language
  const name = sample !== undefined && /\.\w+$/.test(sample) ? sample : `line_${line}.${extension}`
  const file = join(folder, path, name)
  mkdirSync(dirname(file), { recursive: true })
  if (existsSync(file)) throw new Error(`${path} has two samples of the name ${name}`)
  writeFileSync(file, '\n'.repeat(line - 1) + code)
}

/** Returns the compiler's messages, with the page and line instead of the file of the block. */
function compiler_errors(output: string): string[] {
  return output
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => line.replace(/^(\S+\.md)\/[^(]*\((\d+),(\d+)\)/, '$1:$2:$3'))
}
