import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ROOT } from './root.ts'

/** Commands of npm, as opposed to our scripts. */
const NPM_COMMANDS = ['install', 'login']

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'))

describe.each(['CONTRIBUTING.md', '.github/PULL_REQUEST_TEMPLATE.md'])('%s', page => {
  const text = read(page)

  it('names only existing files', () => {
    const named = Array.from(
      text.matchAll(/`((?:packages|apps|suites|docs|scripts)\/[\w./-]+)`/g),
      ([, path]) => path,
    )
    expect(named.filter(path => !existsSync(join(ROOT, String(path))))).toEqual([])
  })

  it('names only existing commands', () => {
    const named = Array.from(text.matchAll(/(?:^|`)p?npm (?:run )?([a-z][\w:]*)/gm), ([, name]) =>
      String(name),
    )
    expect(named.length).toBeGreaterThan(2)
    expect(named.filter(name => scripts[name] === undefined && !NPM_COMMANDS.includes(name))).toEqual([])
  })
})

it.each(readdirSync(join(ROOT, '.github/ISSUE_TEMPLATE')))('the form %s labels every question', file => {
  const { name, description, body } = parse(read(`.github/ISSUE_TEMPLATE/${file}`))
  expect([typeof name, typeof description]).toEqual(['string', 'string'])
  const questions: { id?: string; attributes: { label?: string } }[] = body.filter(
    ({ type }: { type: string }) => type !== 'markdown',
  )
  expect(questions.length).toBeGreaterThan(1)
  expect(questions.filter(({ id, attributes }) => !id || !attributes.label)).toEqual([])
  expect(new Set(questions.map(({ id }) => id)).size).toBe(questions.length)
})
