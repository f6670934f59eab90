// Packs every published package as a release would, and checks the tarballs: manifests with publint, type
// resolution with attw, and what neither covers, namely that manifests agree and that source maps come with
// their sources. Needs a build but no network, and prints nothing if there are no problems.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { unpack } from '@publint/pack'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { published_packages } from './published_packages.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Entries for authors of ports and for our own packages, which are modules only. */
const MODULES_ONLY = new Set(['./broker', './testing', './internal', './internal/node'])

/** The modules that bundlers have to keep although nothing is imported from them. */
const MODULES_WITH_EFFECTS = { '@bt/ws-client': ['./dist/react_native/async_iterator.js'] }

const root = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'check-packages-'))
try {
  const packed = pack(folder)
  for (const { manifest } of published_packages()) {
    const problems = await problems_of(manifest, packed)
    if (problems.length === 0) continue
    console.error(`${manifest.name}: the packed package has problems\n\n${problems.join('\n')}\n`)
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Packs all packages at once, and returns the tarballs by the name of their package. */
function pack(destination) {
  // pnpm sets this variable for scripts that it runs; the path avoids the .cmd file on Windows.
  const pnpm = process.env.npm_execpath
  const filters = published_packages().map(({ manifest }) => `--filter=${manifest.name}`)
  const args = ['--recursive', ...filters, 'pack', '--json', '--pack-destination', destination]
  const { status, stdout, stderr, error } =
    pnpm?.includes('pnpm') && /\.[cm]?js$/.test(pnpm)
      ? spawnSync(process.execPath, [pnpm, ...args], { cwd: ROOT, encoding: 'utf8' })
      : spawnSync('pnpm', args, { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error(`pnpm pack failed:\n${error ?? stdout + stderr}`)
  return new Map(JSON.parse(stdout).map(({ name, filename }) => [name, filename]))
}

async function problems_of(manifest, packed) {
  const bytes = readFileSync(packed.get(manifest.name))
  return [
    ...manifest_problems(manifest),
    ...(await file_problems(bytes)),
    ...(await publint_problems(bytes)),
    ...(await attw_problems(bytes)),
  ]
}

/** Checks the fields that registries, bundlers and package managers read. */
function manifest_problems(manifest) {
  const expected = {
    license: root.license,
    engines: root.engines,
    type: 'module',
    sideEffects: MODULES_WITH_EFFECTS[manifest.name] ?? false,
    files: ['dist', 'src'],
    publishConfig: { ...manifest.publishConfig, access: 'public' },
    exports: { ...manifest.exports, './package.json': './package.json' },
  }
  const problems = Object.entries(expected)
    .filter(([field, value]) => !isDeepStrictEqual(manifest[field], value))
    .map(([field, value]) => `package.json: \`${field}\` has to be ${JSON.stringify(value)}`)
  for (const field of ['description', 'keywords'])
    if (!(manifest[field]?.length > 0)) problems.push(`package.json: \`${field}\` is missing`)
  for (const [path, { types }] of Object.entries(manifest.exports))
    if (path !== './package.json' && types === undefined)
      problems.push(`package.json: the entry point \`${path}\` has no \`types\``)
  return problems
}

/** Checks that the tarball contains a README, a licence, source maps, and the sources of these, there or in the map. */
async function file_problems(bytes) {
  const unpacked = await unpack(bytes)
  const files = new Map(
    unpacked.files.map(({ name, data }) => [posix.relative(unpacked.rootDir, name), data]),
  )
  const problems = ['README.md', 'LICENSE']
    .filter(name => !files.has(name))
    .map(name => `${name} is missing in the tarball`)
  for (const [name, data] of files) {
    if (/^dist\/.*\.(js|d\.ts)$/.test(name) && !files.has(`${name}.map`))
      problems.push(`${name} has no source map in the tarball`)
    if (!name.endsWith('.map')) continue
    const { sources, sourcesContent = [] } = JSON.parse(Buffer.from(data).toString())
    for (const [index, source] of sources.entries()) {
      const path = posix.join(posix.dirname(name), source)
      if (!files.has(path) && !sourcesContent[index])
        problems.push(`${name} refers to ${path}, which is missing in the tarball`)
    }
  }
  return problems
}

async function publint_problems(bytes) {
  const { messages, pkg } = await publint({
    pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
    strict: true,
  })
  return messages.map(message => `publint: ${formatMessage(message, pkg, { color: false })}`)
}

async function attw_problems(bytes) {
  const { problems } = await checkPackage(createPackageFromTarballData(bytes))
  return (problems ?? [])
    .filter(
      ({ resolutionKind, entrypoint }) => !(resolutionKind === 'node16-cjs' && MODULES_ONLY.has(entrypoint)),
    )
    .map(problem => `attw: ${JSON.stringify(problem)}`)
}
