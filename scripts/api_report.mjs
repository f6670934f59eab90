// Compares the exports of each package with the reports in its `api` folder, one for each entry point. Needs
// a build. With `--update` (`pnpm api`), it writes the reports instead, so that a change shows in the diff.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { published_packages } from './published_packages.mjs'

const SUFFIX = '.api.md'
const MAIN = `index${SUFFIX}`

/** The settings of a project for browsers. */
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

// One compiler state for all entry points saves time, since most of it goes into the libraries they share.
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
  console.error('\nIf the change is intended, record it with `pnpm api`, and commit it.')

function problems_of(folder, package_entries) {
  const problems = []
  for (const path of [reports_folder(folder), current_folder(folder)]) mkdirSync(path, { recursive: true })
  for (const entry of package_entries) {
    problems.push(...extract(entry))
    if (!is_update) problems.push(...difference_from_report(entry))
  }
  for (const name of readdirSync(reports_folder(folder))) {
    if (package_entries.some(({ report }) => report === name)) continue
    if (is_update) rmSync(join(reports_folder(folder), name))
    else problems.push(`api/${name} is the report of an entry point that does not exist`)
  }
  return problems
}

/** Writes the current report of an entry point, and returns the errors in its types and exports. */
function extract(entry) {
  const errors = []
  Extractor.invoke(config_of(entry), {
    compilerState,
    localBuild: is_update,
    messageCallback: message => {
      if (message.logLevel === 'error') errors.push(message.formatMessageWithLocation(entry.folder))
      message.handled = true
    },
  })
  return errors
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
        reportFolder: reports_folder(folder),
        reportTempFolder: current_folder(folder),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        // typedoc checks docstrings, links and missing exports, across all entry points.
        extractorMessageReporting: {
          default: { logLevel: 'none' },
          // Users must be able to name every type of a signature. The other entry points rely on the main one
          // for some of these types.
          'ae-forgotten-export': { logLevel: report === MAIN ? 'error' : 'none' },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  })
}

/** Returns the diff between the committed report of an entry point and the current one. */
function difference_from_report({ folder, report }) {
  const committed = join(reports_folder(folder), report)
  const current = join(current_folder(folder), report)
  if (!existsSync(committed)) return [`api/${report} is missing`]
  if (readFileSync(committed, 'utf8') === readFileSync(current, 'utf8')) return []
  const { stdout } = spawnSync('git', ['diff', '--no-index', '--no-color', '--', committed, current], {
    encoding: 'utf8',
  })
  const [, hunks = stdout] = stdout.split(/^(?=@@)/ms)
  return [`its exports differ from api/${report}\n\n${hunks}`]
}

function reports_folder(folder) {
  return join(folder, 'api')
}

function current_folder(folder) {
  return join(folder, '.tsbuild/api')
}
