import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PACKAGES, ROOT } from './root.ts'

const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8')
const [ways = '', rooms = ''] = text.split(/^## (?=The rooms|What holds)/m)

/** The source files of a package, by their paths from its `src` on. */
function sources_of(name: string): string[] {
  const found = readdirSync(join(ROOT, 'packages', name, 'src'), { recursive: true, encoding: 'utf8' })
  return found.filter(path => path.endsWith('.ts')).map(path => path.replaceAll('\\', '/'))
}

/** The source files that a passage names: as a path, or by its end. */
function named_in(passage: string): string[] {
  return Array.from(passage.matchAll(/`([\w./-]+\.ts)`/g), ([, path]) => String(path))
}

/** What is told of each package, from where its folder is named. */
const told = new Map(
  rooms
    .split('`packages/')
    .slice(1)
    .map(passage => [/^[\w-]+/.exec(passage)?.[0] ?? '', passage]),
)

it('ARCHITECTURE.md tells of each package', () => {
  expect([...told.keys()].sort()).toEqual([...PACKAGES].sort())
})

it('ARCHITECTURE.md tells the two ways by files that there are', () => {
  const files = PACKAGES.flatMap(name => sources_of(name).map(path => `/packages/${name}/src/${path}`))
  const named = named_in(ways)
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter(name => !files.some(path => path.endsWith(`/${name}`)))).toEqual([])
})

it('ARCHITECTURE.md names folders that there are', () => {
  const folders = Array.from(
    text.matchAll(/`((?:packages|apps|suites|docs|scripts)\/[^`]*)`/g),
    ([, path]) => path,
  )
  expect(folders.length).toBeGreaterThan(5)
  expect(folders.filter(path => !existsSync(join(ROOT, String(path))))).toEqual([])
})

describe.each(PACKAGES)('ARCHITECTURE.md, of %s,', name => {
  const sources = sources_of(name)
  const named = named_in(told.get(name) ?? '')
  const is_named = (source: string, by: string): boolean => `/${source}`.endsWith(`/${by}`)

  it('names no file that there is not', () => {
    expect(named.filter(by => !sources.some(source => is_named(source, by)))).toEqual([])
  })

  it('names every source file, but for what only lists exports', () => {
    const rest = sources.filter(source => !/(^|\/)index\.ts$/.test(source))
    expect(rest.filter(source => !named.some(by => is_named(source, by)))).toEqual([])
  })
})
