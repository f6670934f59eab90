import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** The folders of all packages that are published. */
export const PACKAGES: readonly string[] = readdirSync(join(ROOT, 'packages'))
