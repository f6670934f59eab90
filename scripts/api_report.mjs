// Compares what each package exports with the reports in its `api/` folder, one for each entry point. Needs a build.
// With `--update` it writes the reports instead (`pnpm api`), so that the change shows in a diff.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { published_packages } from './published_packages.mjs'

const SUFFIX = '.api.md'
const MAIN = `index${SUFFIX}`

/** As in a project for browsers. */
const COMPILER_OPTIONS = {
  target: 'es2022',
  module: 'nodenext',
  lib: ['ES2022', 'ESNext.Disposable', 'DOM'],
  types: [],
  strict: true,
  skipLibCheck: true,
}

const is_update = process.argv.includes('--update')
const packages = published_packages()
const entries = packages.flatMap(({ folder, manifest }) =>
  Object.entries(manifest.exports)
    .filter(([path, target]) => target.types !== undefined && !path.startsWith('./internal'))
    .map(([path, { types }]) => ({
      folder,
      types: join(folder, types),
      report: path === '.' ? MAIN : `${basename(path)}${SUFFIX}`,
    })),
)

// All entry points are read as one program: most of its time goes into the libraries that they share.
const compilerState = CompilerState.create(config_of(entries[0]), {
  additionalEntryPoints: entries.map(({ types }) => types),
})

for (const { folder, manifest } of packages) {
  const problems = problems_of(
    folder,
    entries.filter(entry => entry.folder === folder),
  )
  if (problems.length === 0) continue
  console.error(`${manifest.name}: ${problems.join('\n')}`)
  process.exitCode = 1
}
if (process.exitCode === 1)
  console.error('\nIf this is what users should get, record it with `pnpm api`, and commit it.')

function problems_of(folder, its_entries) {
  const problems = []
  for (const place of [reports_of(folder), found_in(folder)]) mkdirSync(place, { recursive: true })
  for (const entry of its_entries) {
    problems.push(...extract(entry))
    if (!is_update) problems.push(...difference(entry))
  }
  for (const name of readdirSync(reports_of(folder))) {
    if (its_entries.some(({ report }) => report === name)) continue
    if (is_update) rmSync(join(reports_of(folder), name))
    else problems.push(`api/${name} is the report of an entry point that does not exist`)
  }
  return problems
}

/** Writes the report of one entry point; returns the errors in its types, and in what it exports of them. */
function extract(entry) {
  const found = []
  Extractor.invoke(config_of(entry), {
    compilerState,
    localBuild: is_update,
    messageCallback: message => {
      if (message.logLevel === 'error') found.push(message.formatMessageWithLocation(entry.folder))
      message.handled = true
    },
  })
  return found
}

function config_of({ folder, types, report }) {
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(folder, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: types,
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { compilerOptions: COMPILER_OPTIONS, files: [types] } },
      apiReport: {
        enabled: true,
        reportFileName: report,
        reportFolder: reports_of(folder),
        reportTempFolder: found_in(folder),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        // typedoc checks docstrings, links and what is missing, over all entry points together.
        extractorMessageReporting: {
          default: { logLevel: 'none' },
          // Users can name every type of a signature, from this entry point or the package's main one.
          'ae-forgotten-export': { logLevel: report === MAIN ? 'error' : 'none' },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  })
}

/** The lines in which a report differs from the one that is committed. */
function difference({ folder, report }) {
  const committed = join(reports_of(folder), report)
  const found = join(found_in(folder), report)
  if (!existsSync(committed)) return [`there is no api/${report}`]
  if (readFileSync(committed, 'utf8') === readFileSync(found, 'utf8')) return []
  const { stdout } = spawnSync('git', ['diff', '--no-index', '--no-color', '--', committed, found], {
    encoding: 'utf8',
  })
  const [, hunks = stdout] = stdout.split(/^(?=@@)/ms)
  return [`its exports differ from api/${report}\n\n${hunks}`]
}

function reports_of(folder) {
  return join(folder, 'api')
}

function found_in(folder) {
  return join(folder, '.tsbuild/api')
}
