import { describe, expect, it } from 'vitest'
import { TextCache } from '../../src/handshake/text_cache.js'

function counting_cache() {
  const asked: string[] = []
  const recent = new TextCache(text => {
    asked.push(text)
    return { text }
  })
  return { asked, recent }
}

describe('TextCache', () => {
  it('makes the same of the same text, once', () => {
    const { asked, recent } = counting_cache()
    const made = recent.of('a')
    recent.of('')
    expect(recent.of('a')).toBe(made)
    expect(recent.of('')).toEqual({ text: '' })
    expect(asked).toEqual(['a', ''])
  })

  it('caches at most 128 texts, and evicts the oldest first', () => {
    const { asked, recent } = counting_cache()
    for (let index = 0; index < 129; index += 1) recent.of(`text ${index}`)
    expect(recent.size).toBe(128)
    asked.splice(0)
    recent.of('text 1')
    recent.of('text 128')
    recent.of('text 0')
    expect(asked).toEqual(['text 0'])
  })

  it('does not cache undefined', () => {
    const recent = new TextCache(() => undefined)
    expect(recent.of('a')).toBeUndefined()
    expect(recent.size).toBe(0)
  })

  it('computes but does not cache long texts', () => {
    const { recent } = counting_cache()
    expect(recent.of('x'.repeat(1_025))).toEqual({ text: 'x'.repeat(1_025) })
    expect(recent.size).toBe(0)
  })
})
