// Compares what the package in the current directory exports with what `api/` holds of it, one report for each entry
// point. Needs a build. With `--update` it writes the reports instead (`pnpm api`), for the change to be read in a diff.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'

const SUFFIX = '.api.md'
const MAIN = `index${SUFFIX}`
const REPORTS = resolve('api')
const FOUND = resolve('.tsbuild/api')

const is_update = process.argv.includes('--update')
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const entries = Object.entries(manifest.exports)
  .filter(([, target]) => target.types !== undefined)
  .map(([path, { types }]) => ({ types, report: path === '.' ? MAIN : `${basename(path)}${SUFFIX}` }))
const problems = []

for (const folder of [REPORTS, FOUND]) mkdirSync(folder, { recursive: true })
for (const { types, report } of entries) {
  problems.push(...extract(types, report))
  if (!is_update) problems.push(...difference(report))
}
for (const name of readdirSync(REPORTS)) {
  if (entries.some(({ report }) => report === name)) continue
  if (is_update) rmSync(join(REPORTS, name))
  else problems.push(`api/${name} is the report of an entry point that there is not`)
}

if (problems.length > 0) {
  console.error(`${manifest.name}: ${problems.join('\n')}`)
  console.error('\nIf that is what you want others to get, write it down with `pnpm api`, and commit it.')
  process.exitCode = 1
}

/** Has the report of one entry point written; returns what is wrong with its types, or with what it exports of them. */
function extract(types, report) {
  const found = []
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: resolve('package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: process.cwd(),
      mainEntryPointFilePath: resolve(types),
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          // As in a project for browsers: what is published needs no types of Node, but in what is for Node alone.
          compilerOptions: {
            target: 'es2022',
            module: 'nodenext',
            lib: ['ES2022', 'ESNext.Disposable', 'DOM'],
            types: [],
            strict: true,
            skipLibCheck: true,
          },
          files: [types],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: report,
        reportFolder: REPORTS,
        reportTempFolder: FOUND,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        // typedoc checks docstrings, links and what is missing, over all entry points together.
        extractorMessageReporting: {
          default: { logLevel: 'none' },
          // Whatever a signature has, users can name, with the main entry point beside another one.
          'ae-forgotten-export': { logLevel: report === MAIN ? 'error' : 'none' },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  })
  Extractor.invoke(config, {
    localBuild: is_update,
    messageCallback: message => {
      if (message.logLevel === 'error') found.push(message.formatMessageWithLocation(process.cwd()))
      message.handled = true
    },
  })
  return found
}

/** What has changed in a report. */
function difference(report) {
  const committed = join(REPORTS, report)
  const found = join(FOUND, report)
  if (!existsSync(committed)) return [`there is no api/${report}`]
  if (readFileSync(committed, 'utf8') === readFileSync(found, 'utf8')) return []
  const { stdout } = spawnSync('git', ['diff', '--no-index', '--no-color', '--', committed, found], {
    encoding: 'utf8',
  })
  const [, hunks = stdout] = stdout.split(/^(?=@@)/ms)
  return [`what it exports is not what api/${report} says\n\n${hunks}`]
}
