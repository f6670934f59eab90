import { blocks_of } from '@bt/test-support/samples'
import { describe, expect, test } from 'vitest'
import { is_chinese, PAGES, type Page, page_at } from './pages.ts'

const chinese = PAGES.filter(is_chinese)

function english_of({ path }: Page): Page {
  return page_at(path.replace('/zh/', '/').replace('.zh-CN.', '.'))
}

/** What stands behind a command speaks to the reader, so it is translated. */
function code_of({ text }: Page): readonly object[] {
  return blocks_of(text).map(({ language, sample, code }) => ({
    language,
    sample,
    code: language === 'sh' ? code.replace(/ +# .*$/gm, '') : code,
  }))
}

/** The headings, as how deep each is. */
function outline_of({ text }: Page): readonly string[] {
  let rest = text
  for (const { code } of blocks_of(text)) rest = rest.replace(code, '')
  return Array.from(rest.matchAll(/^(#+) /gm), ([, marks]) => String(marks))
}

test('every guide is there in Chinese', () => {
  const guides = PAGES.filter(({ path }) => /^docs\/\w+\.md$/.test(path))
  const names = guides.map(({ path }) => path.replace('docs/', ''))
  const missing = names.filter(name => !chinese.some(({ path }) => path === `docs/zh/${name}`))
  expect(missing).toEqual([])
})

describe.each(chinese)('$path', page => {
  test('has the code of the English page, character by character and in the same order', () => {
    expect(code_of(page)).toEqual(code_of(english_of(page)))
  })

  test('has the headings of the English page, each as deep as there', () => {
    expect(outline_of(page)).toEqual(outline_of(english_of(page)))
  })
})
