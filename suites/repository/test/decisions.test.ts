import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from './root.ts'

const folder = join(ROOT, 'docs/decisions')
const files = readdirSync(folder)
  .filter(name => name !== 'README.md')
  .sort()

it('numbers decisions consecutively, in the order in which they were made', () => {
  expect(files.map(name => Number(/^(\d{4})_\w+\.md$/.exec(name)?.[1]))).toEqual(files.map((_, i) => i + 1))
})

it('lists every decision in the README of their folder, by its title', () => {
  const listed = readFileSync(join(folder, 'README.md'), 'utf8').match(/^\d+\. .*$/gm)
  const titles = files.map(name => {
    const [, title] = /^# (\d+\. .*)$/m.exec(readFileSync(join(folder, name), 'utf8')) ?? []
    return title?.replace(/^(\d+\.) (.*)$/, `$1 [$2](${name})`)
  })
  expect(listed).toEqual(titles)
})
