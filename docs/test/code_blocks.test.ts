import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { type Block, blocks_of } from '@bt/test-support/samples'
import { temporary_folder } from '@bt/test-support/temporary'
import { afterAll, expect, test } from 'vitest'
import { is_chinese, PAGES, ROOT } from './pages.ts'
import { unknown_commands } from './shell.ts'

/** What may stand behind a fence. */
const LANGUAGES: ReadonlySet<string> = new Set([
  ...['ts', 'tsx', 'js', 'json', 'sh', 'text'],
  ...['css', 'dockerfile', 'html', 'ini', 'nginx', 'promql', 'yaml'],
])
const TYPED: ReadonlySet<string> = new Set(['ts', 'tsx', 'js'])

/** Which tests run the samples of a page, the blocks that have a name; they hold which these are. */
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
  'docs/order.md': 'docs/test/guide_samples.test.ts',
  'docs/performance.md': 'docs/test/guide_samples.test.ts',
  'docs/security.md': 'docs/test/guide_samples.test.ts',
  'docs/sending.md': 'docs/test/guide_samples.test.ts',
  'docs/from_browser_websocket.md': 'docs/test/moving.test.ts',
  'docs/from_socket_io.md': 'docs/test/moving.test.ts',
  'docs/from_ws.md': 'docs/test/moving.test.ts',
}

/** A block of a page in English; those in Chinese have the same. */
interface PlacedBlock extends Block {
  readonly path: string
}

const blocks: readonly PlacedBlock[] = PAGES.filter(page => !is_chinese(page)).flatMap(({ path, text }) =>
  blocks_of(text).map(block => ({ ...block, path })),
)
/** Inside of this package, so that what a block imports is found as this package finds it. */
const folder = temporary_folder('blocks', join(ROOT, 'docs'))
afterAll(() => rmSync(folder, { recursive: true }))

const place_of = ({ path, line }: PlacedBlock): string => `${path}:${line}`
const of_language = (...languages: readonly string[]): readonly PlacedBlock[] =>
  blocks.filter(({ language }) => languages.includes(language))

test('every block says what language it is in', () => {
  expect(blocks.filter(({ language }) => !LANGUAGES.has(language)).map(place_of)).toEqual([])
})

test('every sample is run, by a test that reads its page', () => {
  const samples = blocks.filter(({ sample }) => sample !== undefined)
  expect(samples.filter(({ path }) => !(path in RUN_BY)).map(place_of)).toEqual([])
  for (const path of new Set(samples.map(({ path }) => path))) {
    for (const test of [RUN_BY[path] ?? ''].flat())
      expect(readFileSync(join(ROOT, test), 'utf8')).toContain(basename(path, '.md'))
  }
  const typed = blocks.filter(({ language }) => TYPED.has(language))
  const run = typed.filter(block => block.sample !== undefined)
  const pages = new Set(blocks.map(({ path }) => path)).size
  console.log(
    `${blocks.length} blocks on ${pages} pages: ${typed.length} are type-checked, and ${run.length} of these are run;` +
      ` ${of_language('json').length} of JSON and ${of_language('sh').length} of shell commands are looked at.`,
  )
})

test('what is written in TypeScript and JavaScript has the right types', () => {
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
    // JavaScript says no types: it is only asked whether there is what it uses.
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
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, '--build', ...Object.keys(projects)], {
    cwd: folder,
    encoding: 'utf8',
  })
  expect(told(stdout + stderr)).toEqual([])
}, 120_000)

test('what is written in JSON can be read', () => {
  for (const block of of_language('json')) expect(() => JSON.parse(block.code), place_of(block)).not.toThrow()
})

test('the commands of shell blocks are there', () => {
  const wrong = of_language('sh').flatMap(block =>
    unknown_commands(block.code).map(command => `${place_of(block)}: ${command}`),
  )
  expect(wrong).toEqual([])
})

/** Writes a block down beside those of its page, each line where the page has it. */
function write({ path, line, language, sample, code }: PlacedBlock): void {
  const extension = language === 'js' ? 'mjs' : language
  const name = sample !== undefined && /\.\w+$/.test(sample) ? sample : `line_${line}.${extension}`
  const file = join(folder, path, name)
  mkdirSync(dirname(file), { recursive: true })
  if (existsSync(file)) throw new Error(`${path} has two samples of the name ${name}`)
  writeFileSync(file, '\n'.repeat(line - 1) + code)
}

/** What the compiler says, with the page and its line instead of the file that was made of a block. */
function told(output: string): string[] {
  return output
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => line.replace(/^(\S+\.md)\/[^(]*\((\d+),(\d+)\)/, '$1:$2:$3'))
}
