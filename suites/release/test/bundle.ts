import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build as build_with_esbuild } from 'esbuild'
import { build as build_with_vite } from 'vite'

/** For what a bundle is made. */
export type Platform = 'node' | 'browser'

/** Makes one file of a program in a folder and of all that it imports. */
export type Bundler = (folder: string, code: string, platform: Platform) => Promise<string>

/** The bundlers, and what their files for Node are called. */
export const BUNDLERS: readonly {
  readonly name: string
  readonly extension: 'mjs' | 'cjs'
  bundle: Bundler
}[] = [
  { name: 'Vite', extension: 'mjs', bundle: vite },
  // `ws` is CommonJS, and asks for parts of Node by `require`: esbuild leaves that as it is.
  { name: 'esbuild', extension: 'cjs', bundle: esbuild },
]

async function esbuild(folder: string, code: string, platform: Platform): Promise<string> {
  const { outputFiles } = await build_with_esbuild({
    absWorkingDir: folder,
    entryPoints: [written(folder, code)],
    bundle: true,
    platform,
    format: platform === 'node' ? 'cjs' : 'esm',
    write: false,
    logLevel: 'error',
  })
  return outputFiles[0]?.text ?? ''
}

async function vite(folder: string, code: string, platform: Platform): Promise<string> {
  const out = join(folder, 'vite')
  await build_with_vite({
    configFile: false,
    root: folder,
    logLevel: 'warn',
    build: {
      ssr: platform === 'node',
      outDir: out,
      rolldownOptions: { input: written(folder, code), output: { entryFileNames: 'bundle.js' } },
    },
    ssr: { noExternal: true },
  })
  return readFileSync(join(out, 'bundle.js'), 'utf8')
}

function written(folder: string, code: string): string {
  const file = join(folder, 'entry.js')
  writeFileSync(file, code)
  return file
}
