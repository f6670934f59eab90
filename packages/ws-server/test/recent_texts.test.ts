import { describe, expect, it } from 'vitest'
import { RecentTexts } from '../src/recent_texts.js'

describe('RecentTexts', () => {
  it('gives back what it was given', () => {
    const texts = new RecentTexts()
    for (const text of ['', 'a', 'b', 'a', 'x'.repeat(10_000)]) expect(texts.share(text)).toBe(text)
  })

  it('remembers no more than 128 texts, and none that is long', () => {
    const texts = new RecentTexts()
    for (let index = 0; index < 1_000; index += 1) texts.share(`text ${index}`)
    texts.share('x'.repeat(1_025))
    expect(texts.size).toBe(128)
  })
})
