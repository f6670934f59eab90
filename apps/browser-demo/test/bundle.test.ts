import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { afterEach, expect, it, vi } from 'vitest'

/** The most bytes that `connect` may take, gzipped, by the mode of the build. The goal for production is 7,000. */
const LIMITS_BYTES = { production: 8_399, development: 9_999 }
/** The same for `connect` with a session. */
const SESSION_LIMITS_BYTES = { production: 12_149, development: 14_299 }
const ENTRY = 'virtual:entry'

/** Bundles an app with the code of `entry`, resolved as an app does, by the conditions of the packages' exports. */
async function bundle_of(entry: string, mode: string): Promise<Rolldown.OutputChunk> {
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
        load: id => (id === ENTRY ? entry : undefined),
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

function gzipped_size(code: string): number {
  // A release links to its own repository and version, of any length.
  const measured = code.replace(/https:[^\s`'"]*(?=docs\/errors\.md#)/, '')
  return gzipSync(measured, { level: 9 }).length
}

afterEach(() => void vi.unstubAllEnvs())

it.each(['production', 'development'] as const)(
  'connect bundles small for browsers in %s, without ws and without code for Node',
  async mode => {
    const { code, modules, imports } = await bundle_of("export { connect } from '@bt/net'", mode)
    const sizes = Object.entries(modules)
      .map(([id, { renderedLength }]) => ({ id: id.replace(/^.*\/packages\//, ''), renderedLength }))
      .filter(({ renderedLength }) => renderedLength > 0)
    const gzipped_bytes = gzipped_size(code)
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
    expect(code).not.toMatch(/\breply\b|\bbt\.session\b/)
    expect(code).not.toMatch(/node:|\brequire\b|\bBuffer\b|\bprocess\b/)
    expect(gzipped_bytes).toBeLessThanOrEqual(LIMITS_BYTES[mode])
  },
)

it.each(['production', 'development'] as const)(
  'connect with a session bundles small for browsers in %s, from one module',
  async mode => {
    const entry = "export { connect } from '@bt/net'; export { session } from '@bt/net/session'"
    const { code, modules, imports } = await bundle_of(entry, mode)
    const gzipped_bytes = gzipped_size(code)
    console.log(
      `connect with a session in ${mode}: ${gzipped_bytes} gzipped (at most ${SESSION_LIMITS_BYTES[mode]})`,
    )
    expect(imports).toEqual([])
    const built = Object.keys(modules).filter(id => /\/ws-client\/dist\//.test(id))
    expect(built).toEqual([expect.stringMatching(`/page/${mode}.js$`)])
    expect(code).toContain('bt.session.1')
    expect(gzipped_bytes).toBeLessThanOrEqual(SESSION_LIMITS_BYTES[mode])
  },
)
