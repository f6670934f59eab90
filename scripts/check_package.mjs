// Packs the package in the current directory as a release would, and checks the tarball: publint for the
// manifest, attw for what TypeScript resolves. Needs a build, needs no network, prints nothing when clean.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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
    problems.push(...(await publint_problems(tarball)), ...attw_problems(tarball))
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

async function publint_problems(tarball) {
  const bytes = readFileSync(tarball)
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
