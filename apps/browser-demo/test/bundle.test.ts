import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { afterEach, expect, it, vi } from 'vitest'

/** The most bytes that `connect` may take, gzipped, by the mode of the build. The goal for production is 7,000. */
const LIMITS_BYTES = { production: 8_399, development: 9_999 }
const ENTRY = 'virtual:entry'

/**
 * Bundles an app that imports only `connect`, resolved as an app does, by the conditions of the packages'
 * exports.
 */
async function bundle_of_connect(mode: string): Promise<Rolldown.OutputChunk> {
  vi.stubEnv('NODE_ENV', mode)
  const built = (await build({
    configFile: false,
    mode,
    root: fileURLToPath(new URL('..', import.meta.url)),
    logLevel: 'warn',
    plugins: [
      {
        name: 'entry',
        resolveId: id => (id === ENTRY ? ENTRY : undefined),
        load: id => (id === ENTRY ? "export { connect } from '@bt/net'" : undefined),
      },
    ],
    build: {
      write: false,
      target: 'es2022',
      modulePreload: { polyfill: false },
      rolldownOptions: { input: ENTRY, preserveEntrySignatures: 'strict' },
    },
  })) as Rolldown.RolldownOutput
  expect(built.output).toHaveLength(1)
  return built.output[0]
}

afterEach(() => void vi.unstubAllEnvs())

it.each(['production', 'development'] as const)(
  'connect bundles small for browsers in %s, without ws and without code for Node',
  async mode => {
    const { code, modules, imports } = await bundle_of_connect(mode)
    const sizes = Object.entries(modules)
      .map(([id, { renderedLength }]) => ({ id: id.replace(/^.*\/packages\//, ''), renderedLength }))
      .filter(({ renderedLength }) => renderedLength > 0)
    // A release links to its own repository and version, of any length.
    const measured = code.replace(/https:[^\s`'"]*(?=docs\/errors\.md#)/, '')
    const gzipped_bytes = gzipSync(measured, { level: 9 }).length
    console.log(
      [
        `connect in ${mode}, minified: ${code.length} bytes, ${gzipped_bytes} gzipped (at most ${LIMITS_BYTES[mode]}), of ${sizes.length} modules (bytes before minifying):`,
        ...sizes.map(({ id, renderedLength }) => `  ${String(renderedLength).padStart(6)}  ${id}`),
      ].join('\n'),
    )
    expect(imports).toEqual([])
    expect(sizes.map(({ id }) => id).filter(id => !/^(ws-protocol|ws-client|net)\/dist\//.test(id))).toEqual(
      [],
    )
    expect(sizes.map(({ id }) => id).filter(id => /\/node\//.test(id))).toEqual([])
    // What not every page needs is imported by those that do.
    expect(code).not.toMatch(/\breply\b/)
    expect(code).not.toMatch(/node:|\brequire\b|\bBuffer\b|\bprocess\b/)
    expect(gzipped_bytes).toBeLessThanOrEqual(LIMITS_BYTES[mode])
  },
)
