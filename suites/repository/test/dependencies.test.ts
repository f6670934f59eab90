import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { PACKAGES, ROOT } from './root.ts'

/** The third-party packages that each of our packages installs, at all levels. */
const INSTALLED: Readonly<Record<string, readonly string[]>> = {
  net: ['ws'],
  'ws-server': [],
  'ws-client': ['ws'],
  'ws-protocol': [],
  'ws-cluster-nats': [
    '@nats-io/nats-core',
    '@nats-io/nkeys',
    '@nats-io/nuid',
    '@nats-io/transport-node',
    'tweetnacl',
  ],
  'ws-cluster-redis': ['@redis/client'],
}

type Versions = Readonly<Record<string, string>>

interface LockedPackage {
  readonly engines?: { readonly node?: string }
  readonly resolution: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

interface Lockfile {
  readonly importers: Readonly<
    Record<string, { readonly dependencies?: Readonly<Record<string, { version: string }>> }>
  >
  readonly packages: Readonly<Record<string, LockedPackage>>
  readonly snapshots: Readonly<
    Record<string, { readonly dependencies?: Versions; readonly optionalDependencies?: Versions }>
  >
}

const text = readFileSync(join(ROOT, 'pnpm-lock.yaml'), 'utf8')
const lockfile: Lockfile = parse(text)

/** Returns the locked direct dependencies of a package: names with versions, or folders of our packages. */
function dependencies_of(key: string): string[] {
  if (key.startsWith('packages/')) {
    const { dependencies = {} } = lockfile.importers[key] ?? expect.fail(`${key} is not locked`)
    return Object.entries(dependencies).map(([name, { version }]) =>
      version.startsWith('link:') ? `packages/${basename(version)}` : `${name}@${version}`,
    )
  }
  const { dependencies, optionalDependencies } =
    lockfile.snapshots[key] ?? expect.fail(`${key} is not locked`)
  // An optional peer is locked because this repository has it; users of the package do not get it.
  const peers = lockfile.packages[key.replace(/\(.*/, '')]?.peerDependenciesMeta ?? {}
  return Object.entries({ ...dependencies, ...optionalDependencies })
    .filter(([name]) => peers[name]?.optional !== true)
    .map(([name, version]) => `${name}@${version}`)
}

/** Returns all dependencies of one of our packages, by their keys in the lockfile. */
function locked_for(folder: string): string[] {
  const found = new Set([`packages/${folder}`])
  for (const key of found) for (const next of dependencies_of(key)) found.add(next)
  return [...found].filter(key => !key.startsWith('packages/'))
}

/** Returns the names of all dependencies of one of our packages. */
function installed_by(folder: string): string[] {
  const names = locked_for(folder).map(key => key.replace(/(?<=.)@.*/, ''))
  return [...new Set(names)].sort()
}

function manifest_of(folder: string) {
  return JSON.parse(readFileSync(join(ROOT, 'packages', folder, 'package.json'), 'utf8'))
}

/**
 * Returns the version from which on a range admits all versions, as one number; `undefined` if there is none.
 */
function lowest_of(range: string): number | undefined {
  const lowest = range.split('||').flatMap(part => {
    const [, major, minor, patch] = /^\s*>=\s*(\d+)(?:\.(\d+|x))?(?:\.(\d+|x))?\s*$/.exec(part) ?? []
    const numbers = [major, minor, patch].map(number => Number(number) || 0)
    return major === undefined ? [] : [numbers.reduce((sum, number) => sum * 1_000 + number)]
  })
  return lowest.length === 0 ? undefined : Math.min(...lowest)
}

it('lists the dependencies of each published package', () => {
  expect(Object.keys(INSTALLED).sort()).toEqual([...PACKAGES].sort())
})

it.each(PACKAGES)('%s installs only the listed packages, at all levels', folder => {
  expect(installed_by(folder)).toEqual(INSTALLED[folder])
})

it.each(PACKAGES)('%s has no peer dependencies, optional dependencies or install scripts', folder => {
  const manifest = manifest_of(folder)
  const scripts = Object.keys(manifest.scripts).filter(name =>
    /^(pre|post)?(un)?install$|^prepare$/.test(name),
  )
  expect({ ...manifest.peerDependencies, ...manifest.optionalDependencies }).toEqual({})
  expect(scripts).toEqual([])
})

it('parses the lowest version of Node that a package supports', () => {
  const ranges = ['>=20.19.0', '>= 22.x', '>=18', '^20.19.0 || ^22.13.0 || >=23.5.0', '^14 || >=16', '20.x']
  expect(ranges.map(lowest_of)).toEqual([
    20_019_000,
    22_000_000,
    18_000_000,
    23_005_000,
    16_000_000,
    undefined,
  ])
})

it.each(PACKAGES)('%s installs with --engine-strict on every Node that it supports', folder => {
  const ours = lowest_of(manifest_of(folder).engines.node) ?? expect.fail('it admits no Node')
  const engines = locked_for(folder).map(key => {
    const name = key.replace(/\(.*/, '')
    return [name, (lockfile.packages[name] ?? expect.fail(`${name} is not locked`)).engines?.node] as const
  })
  const refused = engines.filter(
    ([, range]) => range !== undefined && (lowest_of(range) ?? Number.POSITIVE_INFINITY) > ours,
  )
  expect(refused).toEqual([])
})

it('locks every package by the hash of its content', () => {
  const resolutions = Object.values(lockfile.packages).map(({ resolution }) => resolution)
  expect(resolutions.length).toBeGreaterThan(100)
  expect(resolutions.filter(({ integrity = '' }) => !integrity.startsWith('sha512-'))).toEqual([])
  expect(resolutions.filter(resolution => Object.keys(resolution).join() !== 'integrity')).toEqual([])
})

it('names no registry in the lockfile', () => {
  const lines = text.split('\n').filter(line => !line.trimStart().startsWith('deprecated:'))
  expect(lines.filter(line => /:\/\/|registry/.test(line))).toEqual([])
})
