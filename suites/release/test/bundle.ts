import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build as build_with_esbuild } from 'esbuild'
import { build as build_with_vite } from 'vite'

/** The platform that a bundle runs on. */
export type Platform = 'node' | 'browser'

/** Bundles a program, with everything it imports, into one file; imports resolve from `folder`. */
export type Bundler = (folder: string, code: string, platform: Platform) => Promise<string>

/** The bundlers, with the file extension of their bundles for Node. */
export const BUNDLERS: readonly {
  readonly name: string
  readonly extension: 'mjs' | 'cjs'
  bundle: Bundler
}[] = [
  { name: 'Vite', extension: 'mjs', bundle: bundle_with_vite },
  // `ws` is CommonJS and requires modules of Node; esbuild keeps those calls, so the bundle needs `require`.
  { name: 'esbuild', extension: 'cjs', bundle: bundle_with_esbuild },
]

async function bundle_with_esbuild(folder: string, code: string, platform: Platform): Promise<string> {
  const { outputFiles } = await build_with_esbuild({
    absWorkingDir: folder,
    entryPoints: [write_entry(folder, code)],
    bundle: true,
    platform,
    format: platform === 'node' ? 'cjs' : 'esm',
    write: false,
    logLevel: 'error',
  })
  return outputFiles[0]?.text ?? ''
}

async function bundle_with_vite(folder: string, code: string, platform: Platform): Promise<string> {
  const out = join(folder, 'vite')
  await build_with_vite({
    configFile: false,
    root: folder,
    logLevel: 'warn',
    build: {
      ssr: platform === 'node',
      outDir: out,
      rolldownOptions: { input: write_entry(folder, code), output: { entryFileNames: 'bundle.js' } },
    },
    ssr: { noExternal: true },
  })
  return readFileSync(join(out, 'bundle.js'), 'utf8')
}

function write_entry(folder: string, code: string): string {
  const file = join(folder, 'entry.js')
  writeFileSync(file, code)
  return file
}
