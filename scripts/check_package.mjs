// Packs the package in the current directory as a release would, and checks the tarball: publint for the manifest, attw
// for what TypeScript resolves, and what neither looks at: what every package of ours says of itself, that source maps have
// their sources. Needs a build, needs no network, prints nothing when clean.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { unpack } from '@publint/pack'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'check-package-'))
const problems = []

try {
  const packed = pack(folder)
  if (packed.status !== 0) {
    problems.push(`pnpm pack failed:\n${packed.output}`)
  } else {
    const tarball = join(
      folder,
      readdirSync(folder).find(name => name.endsWith('.tgz')),
    )
    const bytes = readFileSync(tarball)
    problems.push(
      ...manifest_problems(),
      ...(await file_problems(bytes)),
      ...(await publint_problems(bytes)),
      ...attw_problems(tarball),
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

if (problems.length > 0) {
  console.error(`${manifest.name}: the packed package has problems\n\n${problems.join('\n')}`)
  process.exitCode = 1
}

function pack(destination) {
  // A script that pnpm runs is told where pnpm is; that spares the .cmd file of Windows.
  const pnpm = process.env.npm_execpath
  const args = ['pack', '--pack-destination', destination]
  return pnpm?.includes('pnpm') && /\.[cm]?js$/.test(pnpm)
    ? run(process.execPath, [pnpm, ...args])
    : run('pnpm', args)
}

/** What the manifest of each package has to say, so that registries, bundlers and package managers know. */
function manifest_problems() {
  const root = JSON.parse(readFileSync('../../package.json', 'utf8'))
  const expected = {
    license: root.license,
    engines: root.engines,
    type: 'module',
    sideEffects: false,
    files: ['dist', 'src'],
    publishConfig: { ...manifest.publishConfig, access: 'public' },
    exports: { ...manifest.exports, './package.json': './package.json' },
  }
  const problems = Object.entries(expected)
    .filter(([field, value]) => !isDeepStrictEqual(manifest[field], value))
    .map(([field, value]) => `package.json: \`${field}\` has to be ${JSON.stringify(value)}`)
  for (const field of ['description', 'keywords'])
    if (!(manifest[field]?.length > 0)) problems.push(`package.json: there is no \`${field}\``)
  for (const [path, { types }] of Object.entries(manifest.exports))
    if (path !== './package.json' && types === undefined)
      problems.push(`package.json: the entry point \`${path}\` has no \`types\``)
  return problems
}

/** What is missing in the tarball: what people read, and the sources that maps name, which debuggers and editors open. */
async function file_problems(bytes) {
  const unpacked = await unpack(bytes)
  const files = new Map(
    unpacked.files.map(({ name, data }) => [posix.relative(unpacked.rootDir, name), data]),
  )
  const problems = ['README.md', 'LICENSE']
    .filter(name => !files.has(name))
    .map(name => `there is no ${name} in the tarball`)
  for (const [name, data] of files) {
    if (/^dist\/.*\.(js|d\.ts)$/.test(name) && !files.has(`${name}.map`))
      problems.push(`${name} has no source map in the tarball`)
    if (!name.endsWith('.map')) continue
    for (const source of JSON.parse(Buffer.from(data).toString()).sources) {
      const path = posix.join(posix.dirname(name), source)
      if (!files.has(path)) problems.push(`${name} is a map of ${path}, which is not in the tarball`)
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

function attw_problems(tarball) {
  const require = createRequire(import.meta.url)
  const attw_manifest = require.resolve('@arethetypeswrong/cli/package.json')
  const attw = join(dirname(attw_manifest), require(attw_manifest).bin.attw)
  const checked = run(process.execPath, [attw, tarball, '--profile', 'esm-only', '--no-color', '--no-emoji'])
  return checked.status === 0 ? [] : [`attw:\n${checked.output}`]
}

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  return { status, output: error ? String(error) : stdout + stderr }
}
