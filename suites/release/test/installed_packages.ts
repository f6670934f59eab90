import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const STORE = fileURLToPath(new URL('../../../node_modules/.pnpm', import.meta.url))
const LARGEST_TARBALL_BYTES = 64 * 1024 * 1024

/** What a `package.json` says. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly [field: string]: unknown
}

/** A published package. */
export interface Release {
  readonly manifest: Manifest
  readonly tarball: Buffer
}

/** Returns all installed versions of a package of others, packed as a registry serves them. */
export function installed_packages(name: string): Release[] {
  const prefix = `${name.replace('/', '+')}@`
  const folders = readdirSync(STORE)
    .filter(entry => entry.startsWith(prefix))
    .map(entry => join(STORE, entry, 'node_modules', name))
  const by_version = new Map(folders.map(folder => [manifest_of(folder).version, folder]))
  return Array.from(by_version.values(), folder => ({
    manifest: manifest_of(folder),
    tarball: packed(folder),
  }))
}

function manifest_of(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** Whoever unpacks it leaves the name of its one folder out, whatever that is. */
function packed(folder: string): Buffer {
  const args = ['-czf', '-', '-C', dirname(folder), folder.slice(dirname(folder).length + 1)]
  const { status, stdout, stderr } = spawnSync('tar', args, { maxBuffer: LARGEST_TARBALL_BYTES })
  if (status !== 0) throw new Error(`${folder} can't be packed: ${stderr}`)
  return stdout
}
