import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporary_folder } from '@bt/test-support/temporary'
import rollup_commonjs from '@rollup/plugin-commonjs'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import * as esbuild from 'esbuild'
import { rollup } from 'rollup'
import webpack from 'webpack'

const SUITE = fileURLToPath(new URL('..', import.meta.url))
/** The entries of the bundles, and what webpack writes. */
const FOLDER = temporary_folder('bundles', SUITE)
let entries = 0

/** Removes what the bundlers have read and written. */
export function remove_entries(): void {
  rmSync(FOLDER, { recursive: true })
}

/** A kind of bundle, of a program that imports from the packages of the workspace. */
export interface Bundle {
  readonly name: string
  /** Returns the bundle of a program, with everything that it imports. */
  readonly of: (program: string) => Promise<string>
}

/** A bundle for Node, whose file has this extension. */
export interface NodeBundle extends Bundle {
  readonly extension: 'mjs' | 'cjs'
}

/** The banner that esbuild needs for a module which contains CommonJS code, such as `ws`. */
export const ESBUILD_BANNER =
  "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)"

/** What bundlers put in the place of a package that is not installed, if they are told to. */
const EMPTY_PACKAGES: esbuild.Plugin = {
  name: 'empty packages',
  setup(build) {
    build.onResolve({ filter: /^(bufferutil|utf-8-validate)$/ }, ({ path }) => ({ path, namespace: 'empty' }))
    build.onLoad({ filter: /./, namespace: 'empty' }, () => ({ contents: 'module.exports = {}' }))
  },
}

/** Bundles with esbuild. */
export async function bundle_with_esbuild(program: string, options: esbuild.BuildOptions): Promise<string> {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: program, resolveDir: SUITE },
    bundle: true,
    logLevel: 'error',
    ...options,
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

async function bundle_with_rollup(program: string, is_page: boolean): Promise<string> {
  const bundle = await rollup({
    input: write_entry(program),
    plugins: [
      nodeResolve({ browser: is_page, preferBuiltins: !is_page }),
      // @ts-expect-error Its types are those of its CommonJS form, whose default import is a namespace.
      rollup_commonjs(),
    ],
  })
  const { output } = await bundle.generate({ format: is_page ? 'iife' : 'es' })
  return output[0].code
}

async function bundle_with_webpack(program: string, target: string): Promise<string> {
  const entry = write_entry(program)
  await new Promise<void>((resolve, reject) => {
    webpack(
      {
        mode: 'development',
        devtool: false,
        context: SUITE,
        entry,
        target,
        output: { path: FOLDER, filename: 'webpack.js' },
      },
      (error, stats) => {
        const [failure] = stats?.compilation.errors ?? []
        if (error ?? failure) reject(error ?? failure)
        else resolve()
      },
    )
  })
  return readFileSync(join(FOLDER, 'webpack.js'), 'utf8')
}

/** Writes a program into a folder of this suite, from which the packages resolve. */
function write_entry(program: string): string {
  entries += 1
  const file = join(FOLDER, `entry_${entries}.mjs`)
  writeFileSync(file, program)
  return file
}

/** Bundles of programs for Node. The rehearsal covers Vite, and esbuild without plugins. */
export const NODE_BUNDLES: readonly NodeBundle[] = [
  {
    name: 'esbuild, CommonJS, with empty packages for bufferutil and utf-8-validate',
    extension: 'cjs',
    of: program =>
      bundle_with_esbuild(program, { platform: 'node', format: 'cjs', plugins: [EMPTY_PACKAGES] }),
  },
  {
    name: 'esbuild, a module with the banner',
    extension: 'mjs',
    of: program =>
      bundle_with_esbuild(program, { platform: 'node', format: 'esm', banner: { js: ESBUILD_BANNER } }),
  },
  { name: 'Rollup, a module', extension: 'mjs', of: program => bundle_with_rollup(program, false) },
  {
    name: 'webpack, CommonJS',
    extension: 'cjs',
    of: program => bundle_with_webpack(program, 'node20'),
  },
]

/** Bundles of programs for a page, or for a platform like it, which are scripts. */
export const PAGE_BUNDLES: readonly Bundle[] = [
  { name: 'Rollup', of: program => bundle_with_rollup(program, true) },
  { name: 'webpack', of: program => bundle_with_webpack(program, 'web') },
  ...['react-native', 'workerd', 'edge-light'].map(condition => ({
    name: `esbuild, with the condition ${condition} alone`,
    of: (program: string) =>
      bundle_with_esbuild(program, {
        platform: 'neutral',
        mainFields: [],
        conditions: [condition],
        format: 'iife',
      }),
  })),
]
