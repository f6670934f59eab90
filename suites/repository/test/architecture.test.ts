import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PACKAGES, ROOT } from './root.ts'

const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8')

/** The folders of each package that has a table, from the top down. */
const layers = Array.from(
  text.matchAll(/^`packages\/([\w-]+)\/src`\n\n\| folder .*\n\|.*\n((?:\| `.*\n)+)/gm),
  ([, name = '', rows = '']) =>
    [name, Array.from(rows.matchAll(/^\| `([^`]+)`/gm), ([, folder]) => String(folder))] as const,
)

interface Import {
  readonly from: string
  readonly to: string
}

/**
 * Returns the imports between the source files of a package, types included, by their paths relative to
 * `src`.
 */
function imports_of(name: string): Import[] {
  const src = join(ROOT, 'packages', name, 'src')
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts'))
    .flatMap(from => {
      const specifiers = readFileSync(join(src, from), 'utf8').matchAll(/(?:from|import\() ?'(\.[^']+)'/g)
      return Array.from(specifiers, ([, specifier]) => ({
        from,
        to: normalize(join(dirname(from), String(specifier))),
      }))
    })
}

describe('the layers in ARCHITECTURE.md', () => {
  it('cover each package that has folders', () => {
    const with_folders = PACKAGES.filter(name =>
      readdirSync(join(ROOT, 'packages', name, 'src'), { withFileTypes: true }).some(entry =>
        entry.isDirectory(),
      ),
    )
    expect(layers.map(([name]) => name).sort()).toEqual(with_folders.sort())
  })

  it.each(layers)('of %s name every folder, and no others', (name, folders) => {
    const paths = readdirSync(join(ROOT, 'packages', name, 'src'), { recursive: true, encoding: 'utf8' })
    const with_files = new Set(paths.filter(path => path.endsWith('.ts')).map(dirname))
    expect([...folders].sort()).toEqual([...with_files].sort())
  })

  it.each(layers)('of %s: no file imports from a folder above its own', (name, folders) => {
    const imports = imports_of(name)
    expect(imports.length).toBeGreaterThan(10)
    const height = (path: string): number => -folders.indexOf(dirname(path))
    expect(imports.filter(({ from, to }) => height(to) > height(from))).toEqual([])
  })
})

it('ARCHITECTURE.md names only existing files', () => {
  const files = PACKAGES.flatMap(name =>
    readdirSync(join(ROOT, 'packages', name, 'src'), { recursive: true, encoding: 'utf8' }).map(
      path => `/packages/${name}/src/${path}`,
    ),
  )
  const named = Array.from(text.matchAll(/`([\w./-]+\.ts)`/g), ([, path]) => String(path))
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter(name => !files.some(path => path.endsWith(`/${name}`)))).toEqual([])
})

it('ARCHITECTURE.md names only existing folders', () => {
  const folders = Array.from(text.matchAll(/`((?:packages|apps|suites|docs)\/[^`]*)`/g), ([, path]) =>
    String(path),
  )
  expect(folders.length).toBeGreaterThan(5)
  expect(folders.filter(path => !existsSync(join(ROOT, path)))).toEqual([])
})
