import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'
import * as vite from 'vite'
import { expect, it } from 'vitest'

const SUITE = fileURLToPath(new URL('..', import.meta.url))
const ENTRY = 'virtual:entry'

type Platform = 'node' | 'browser'

/** Bundles a program with this code, and returns the modules that remain in the bundle, by package. */
interface Bundler {
  readonly name: string
  readonly modules_of: (code: string, platform: Platform) => Promise<readonly string[]>
}

const BUNDLERS: readonly Bundler[] = [
  {
    name: 'esbuild',
    modules_of: async (contents, platform) => {
      const { metafile } = await esbuild.build({
        stdin: { contents, resolveDir: SUITE },
        bundle: true,
        write: false,
        format: 'esm',
        platform,
        external: ['ws'],
        metafile: true,
        logLevel: 'error',
      })
      return Object.values(metafile.outputs).flatMap(({ inputs }) =>
        Object.entries(inputs)
          .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
          .map(([path]) => path),
      )
    },
  },
  {
    name: 'Vite',
    modules_of: async (contents, platform) => {
      const built = (await vite.build({
        configFile: false,
        root: SUITE,
        logLevel: 'error',
        plugins: [
          {
            name: 'entry',
            resolveId: id => (id === ENTRY ? ENTRY : undefined),
            load: id => (id === ENTRY ? contents : undefined),
          },
        ],
        ssr: { noExternal: [/^@bt\//], external: ['ws'] },
        build: {
          write: false,
          ssr: platform === 'node',
          modulePreload: { polyfill: false },
          rolldownOptions: { input: ENTRY, preserveEntrySignatures: 'strict' },
        },
      })) as vite.Rolldown.RolldownOutput
      return built.output
        .flatMap(output => (output.type === 'chunk' ? Object.entries(output.modules) : []))
        .filter(([, { renderedLength }]) => renderedLength > 0)
        .map(([id]) => id)
    },
  },
]

/** Returns our packages that the modules belong to. */
function packages_of(modules: readonly string[]): string[] {
  const names = modules.flatMap(id => /\/packages\/([a-z-]+)\/dist\//.exec(id)?.[1] ?? [])
  return [...new Set(names)].sort()
}

it.each(
  BUNDLERS.flatMap(bundler => (['browser', 'node'] as const).map(platform => ({ ...bundler, platform }))),
)('$name brings no server along with connect, for $platform', async ({ modules_of, platform }) => {
  const modules = await modules_of("export { connect } from '@bt/net'", platform)
  expect(packages_of(modules).filter(name => name !== 'net')).toEqual(['ws-client', 'ws-protocol'])
  expect(modules.filter(id => /\/node\//.test(id)).length > 0).toBe(platform === 'node')
})

it.each(BUNDLERS)('$name bundles no client with listen', async ({ modules_of }) => {
  const modules = await modules_of("export { listen } from '@bt/net'", 'node')
  expect(packages_of(modules)).toEqual(['net', 'ws-protocol', 'ws-server'])
})

it.each(BUNDLERS)('$name removes an unused import completely', async ({ modules_of }) => {
  for (const platform of ['browser', 'node'] as const)
    expect(packages_of(await modules_of("import { connect, listen } from '@bt/net'", platform))).toEqual([])
})
