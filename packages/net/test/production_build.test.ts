import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'
import { build, createServer, type Rolldown } from 'vite'
import { afterEach, describe, expect, it, vi } from 'vitest'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const ENTRY = 'virtual:entry'

type Mode = 'production' | 'development'

const BUNDLERS = {
  Vite: async (contents: string, mode: Mode, conditions?: string[]): Promise<string> => {
    vi.stubEnv('NODE_ENV', mode)
    const built = (await build({
      configFile: false,
      root: PACKAGE,
      logLevel: 'error',
      mode,
      ...(conditions && { resolve: { conditions } }),
      plugins: [
        {
          name: 'entry',
          resolveId: id => (id === ENTRY ? ENTRY : undefined),
          load: id => (id === ENTRY ? contents : undefined),
        },
      ],
      build: {
        write: false,
        minify: false,
        modulePreload: { polyfill: false },
        rolldownOptions: { input: ENTRY, preserveEntrySignatures: 'strict' },
      },
    })) as Rolldown.RolldownOutput
    return built.output[0].code
  },
  esbuild: async (contents: string, mode: Mode): Promise<string> => {
    const { outputFiles } = await esbuild.build({
      stdin: { contents, resolveDir: PACKAGE },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      conditions: [mode],
      logLevel: 'error',
    })
    return outputFiles[0]?.text ?? ''
  },
}

afterEach(() => void vi.unstubAllEnvs())

describe.each(Object.entries(BUNDLERS))('%s', (_name, bundle) => {
  const entry = "export { connect } from '@bt/net'"

  it('takes the build without texts for production', async () => {
    const code = await bundle(entry, 'production')
    expect(code).toContain('docs/errors.md#')
    expect(code).not.toContain('await drained() and send again')
  })

  it('takes the one with texts otherwise', async () => {
    const code = await bundle(entry, 'development')
    expect(code).toContain('await drained() and send again')
    expect(code).not.toContain('docs/errors.md#')
  })

  it('leaves one class of errors in a page that imports it from each package', async () => {
    const code = await bundle(
      `export { connect, NetError } from '@bt/net'
       export { NetError as of_client } from '@bt/ws-client'
       export { NetError as of_protocol } from '@bt/ws-protocol'`,
      'production',
    )
    expect(code.match(/class \w* ?extends Error/g)).toHaveLength(1)
    const page = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`)) as {
      connect: (options: object) => unknown
      NetError: new () => Error
      of_client: unknown
      of_protocol: unknown
    }
    expect(page.of_client).toBe(page.NetError)
    expect(page.of_protocol).toBe(page.NetError)
    expect(() => page.connect({})).toThrow(page.NetError)
  })
})

it('Vite takes the build with texts for production if it is set to leave the condition out', async () => {
  const code = await BUNDLERS.Vite("export { connect } from '@bt/net'", 'production', ['module', 'browser'])
  expect(code).toContain('await drained() and send again')
})

it('the server of Vite for development takes the build with texts', async () => {
  vi.stubEnv('NODE_ENV', 'development')
  const server = await createServer({
    configFile: false,
    root: PACKAGE,
    logLevel: 'error',
    server: { middlewareMode: true, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true },
  })
  try {
    const resolved = await server.environments.client.pluginContainer.resolveId(
      '@bt/ws-client',
      `${PACKAGE}page.js`,
    )
    expect(resolved?.id).toMatch(/ws-client\/dist\/page\/development\.js$/)
  } finally {
    await server.close()
  }
})
