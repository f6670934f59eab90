import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'

/** Bundled packages that are not modules call `require()`. */
const REQUIRE = "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)"

/**
 * Creates a folder in which `@bt/net` is one file, bundled from the build, and returns its path. A program
 * takes three times as long to start with the more than 200 files of the build.
 */
export async function program_folder(path: string): Promise<string> {
  const target = join(path, 'node_modules/@bt/net')
  await esbuild.build({
    entryPoints: [fileURLToPath(new URL('../dist/index.js', import.meta.url))],
    outfile: join(target, 'index.js'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: REQUIRE },
  })
  writeFileSync(join(target, 'package.json'), JSON.stringify({ type: 'module', exports: './index.js' }))
  // Without a package of its own, the folder would belong to this package, whose name leads to its build.
  writeFileSync(join(path, 'package.json'), '{}')
  return path
}
