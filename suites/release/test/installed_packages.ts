import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const STORE = fileURLToPath(new URL('../../../node_modules/.pnpm', import.meta.url))
const MAX_TARBALL_BYTES = 64 * 1024 * 1024

/** The content of a `package.json`. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly [field: string]: unknown
}

/** One version of a package, as a registry has it. */
export interface PackageVersion {
  readonly manifest: Manifest
  readonly tarball: Buffer
}

/** Returns all versions of a third-party package that the workspace has installed, packed for a registry. */
export function installed_versions(name: string): PackageVersion[] {
  const prefix = `${name.replace('/', '+')}@`
  const folders = readdirSync(STORE)
    .filter(entry => entry.startsWith(prefix))
    .map(entry => join(STORE, entry, 'node_modules', name))
  const by_version = new Map(folders.map(folder => [manifest_of(folder).version, folder]))
  return Array.from(by_version.values(), folder => ({
    manifest: manifest_of(folder),
    tarball: pack(folder),
  }))
}

function manifest_of(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** Packs a folder. Package managers strip the name of the top folder, so it need not be `package`. */
function pack(folder: string): Buffer {
  const args = ['-czf', '-', '-C', dirname(folder), folder.slice(dirname(folder).length + 1)]
  const { status, stdout, stderr } = spawnSync('tar', args, { maxBuffer: MAX_TARBALL_BYTES })
  if (status !== 0) throw new Error(`${folder} can't be packed: ${stderr}`)
  return stdout
}
