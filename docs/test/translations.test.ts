import { blocks_of } from '@bt/test-support/samples'
import { describe, expect, test } from 'vitest'
import { is_chinese, PAGES, type Page, page_at } from './pages.ts'

const chinese = PAGES.filter(is_chinese)

function english_of({ path }: Page): Page {
  return page_at(path.replace('/zh/', '/').replace('.zh-CN.', '.'))
}

/** Returns the code blocks of a page, without the comments of shell commands, which are translated. */
function code_of({ text }: Page): readonly object[] {
  return blocks_of(text).map(({ language, sample, code }) => ({
    language,
    sample,
    code: language === 'sh' ? code.replace(/ +# .*$/gm, '') : code,
  }))
}

/** Returns the levels of the headings, as their `#` marks. */
function outline_of({ text }: Page): readonly string[] {
  let rest = text
  for (const { code } of blocks_of(text)) rest = rest.replace(code, '')
  return Array.from(rest.matchAll(/^(#+) /gm), ([, marks]) => String(marks))
}

test('every guide has a Chinese version', () => {
  const guides = PAGES.filter(({ path }) => /^docs\/\w+\.md$/.test(path))
  const names = guides.map(({ path }) => path.replace('docs/', ''))
  const missing = names.filter(name => !chinese.some(({ path }) => path === `docs/zh/${name}`))
  expect(missing).toEqual([])
})

describe.each(chinese)('$path', page => {
  test('has exactly the code blocks of the English page, in the same order', () => {
    expect(code_of(page)).toEqual(code_of(english_of(page)))
  })

  test('has headings of the same levels as the English page', () => {
    expect(outline_of(page)).toEqual(outline_of(english_of(page)))
  })
})
