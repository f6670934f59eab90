import { describe, expect, it } from 'vitest'
import { has_token, list_elements } from '../../src/handshake/header_list.js'

describe('list_elements', () => {
  it.each([
    ['a', ['a']],
    ['a,b', ['a', 'b']],
    [' a\t, b ,\tc ', ['a', 'b', 'c']],
    [',a, ,b,,', ['a', 'b']],
    ['', []],
    [' , ', []],
    ['a b, \xa0c\xa0', ['a b', '\xa0c\xa0']],
  ])('parses %j as %j', (header, elements) => {
    expect(list_elements(header)).toEqual(elements)
  })
})

describe('has_token', () => {
  it.each(['upgrade', 'UpGrade', 'keep-alive, Upgrade', ', ,upgrade,'])('finds it in %j', header => {
    expect(has_token(header, 'upgrade')).toBe(true)
  })

  it.each([undefined, '', ',', 'upgrades', 'up grade', 'upgrade/1'])('does not find it in %j', header => {
    expect(has_token(header, 'upgrade')).toBe(false)
  })
})
