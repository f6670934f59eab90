import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { samples_of } from '@bt/test-support/samples'
import { temporary_folder } from '@bt/test-support/temporary'
import { describe, expect, it } from 'vitest'
import { PACKAGES, ROOT } from './root.ts'

/** A program, with the output that the page claims. */
const RUN = /<!-- run -->\n```ts\n([\s\S]*?)```\n\nIt prints:\n\n```text\n([\s\S]*?)```/g

const read = (...path: readonly string[]): string => readFileSync(join(ROOT, ...path), 'utf8')

/** Returns the introduction of a page, without its title and its links to other languages. */
function introduction(page: string): string {
  const [start = ''] = page.split(/^## /m)
  return start
    .replace(/^# .*\n/, '')
    .replace(/^\[.*\]\(README.*\)\n\n/m, '')
    .trim()
}

/** The samples of the project's README and guides that READMEs of packages repeat, by name. */
const samples = new Map(
  ['README.md', 'docs/server.md', 'docs/client.md'].flatMap(page => [...samples_of(read(page))]),
)

/** Returns the samples of a page that the project's README or a guide has too. */
function shared_samples(page: string): [name: string, code: string][] {
  return [...samples_of(page)].filter(([name]) => name !== 'run')
}

describe.each(PACKAGES)('the README of %s', folder => {
  const name = `@bt/${folder}`
  const page = read('packages', folder, 'README.md')

  it('describes the package, its installation, and further reading', () => {
    expect(page).toMatch(`# ${name}\n`)
    expect(introduction(page)).not.toBe('')
    expect(page).toMatch(new RegExp(`^npm install .*${name}$`, 'm'))
    expect(page).toContain('](../../docs/')
  })

  it('has a sample that imports the package', () => {
    const code = page.match(/```ts\n[\s\S]*?```/g)?.join('') ?? ''
    expect(code).toMatch(new RegExp(` from '${name}['/]`))
  })

  it("repeats samples of the project's README and guides unchanged, where tests run them", () => {
    for (const [sample, code] of shared_samples(page))
      expect(code.replaceAll(`'${name}'`, "'@bt/net'")).toBe(samples.get(sample))
  })

  it('has programs that print what it claims', async () => {
    for (const [, code = '', printed] of page.matchAll(RUN)) {
      // The file is inside of the package, so that its name resolves to its build.
      const at = temporary_folder('readme', join(ROOT, 'packages', folder))
      try {
        writeFileSync(join(at, 'program.mjs'), code)
        const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(at, 'program.mjs')])
        expect(stdout + stderr).toBe(printed)
      } finally {
        rmSync(at, { recursive: true })
      }
    }
  })
})

it("the README of net has the introduction of the project's README", () => {
  expect(introduction(read('packages/net/README.md'))).toBe(introduction(read('README.md')))
})

it('finds samples in four READMEs of packages, and one program to run', () => {
  const pages = PACKAGES.map(folder => read('packages', folder, 'README.md'))
  expect(pages.flatMap(page => shared_samples(page).map(([name]) => name)).sort()).toEqual([
    'client',
    'reconnect',
    'reconnect',
    'server',
    'topics',
    'topics',
  ])
  expect(pages.join('').match(RUN)).toHaveLength(1)
})

it.each(['README.md', 'README.zh-CN.md'])('%s lists all published packages', readme => {
  const listed = Array.from(read(readme).matchAll(/^\| \[`@bt\/([\w-]+)`\]\(packages\/\1\/README\.md\) \|/gm))
  expect(listed.map(([, name]) => name).sort()).toEqual([...PACKAGES].sort())
})
