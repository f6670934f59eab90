import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root folder of the repository. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** The folders of all published packages. */
export const PACKAGES: readonly string[] = readdirSync(join(ROOT, 'packages')).filter(
  name => JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8')).private !== true,
)
