import { describe, expect, it } from 'vitest'
import { errors_page } from '../../page_builds/build.mjs'
import { check_page_constants, with_page_constants } from '../../page_builds/page_constants.mjs'
import { without_texts } from '../../page_builds/texts.mjs'
import { without_unused } from '../../page_builds/unused.mjs'

const IMPORT = "import { NetError } from '@bt/ws-protocol'\n"

/** Code without the blanks that take the place of what was removed. */
const compact = (code: string): string =>
  code
    .replace(/\s+(?=[),;])/g, '')
    .replace(/\s+/g, ' ')
    .replace('net_error (', 'net_error(')
    .trim()
const texts_removed = (code: string): string => compact(without_texts(IMPORT + code).slice(IMPORT.length))
const unused_removed = (code: string): string =>
  compact(without_unused(code, name => name.startsWith('our_'), new Set(['unnamed'])))

describe('texts', () => {
  it.each([
    ['of an error', "throw new NetError('closed', 'it is ' + state)", "throw net_error('closed')"],
    ['before a cause', "new NetError('closed', 'it is', { cause })", "net_error('closed', '', { cause })"],
    [
      'in a constant',
      "const text = 'it is'; new NetError('closed', text)",
      "const text = ''; net_error('closed')",
    ],
    [
      'that a function is given',
      "function wrong(what) { return new NetError('closed', 'it ' + what) }; wrong('is ' + state)",
      "function wrong(what) { return net_error('closed') }; wrong('')",
    ],
    ['that are tested', "return_it = flaw ? 'is empty' : undefined", "return_it = flaw ? '-' : undefined"],
    ['that a formatter returns', 'flaw = describe_value(value)', "flaw = '-'"],
    ['of a rule', "rule = { expects: 'a number', accepts }", "rule = { expects: '', accepts }"],
  ])('%s are removed', (_name, code, expected) => {
    expect(texts_removed(code)).toBe(expected)
  })

  it.each([
    [
      'the name of an option',
      "const name = find(); new NetError('closed', name + ' is')",
      "net_error('closed', name)",
    ],
    ['what is compared', "kind === '[object ArrayBuffer]'", "kind === '[object ArrayBuffer]'"],
    ['a word', "state = 'open'", "state = 'open'"],
  ])('keep %s', (_name, code, expected) => {
    expect(texts_removed(code)).toContain(expected)
  })

  it('keep no name that only a function within the text knows', () => {
    expect(texts_removed("new NetError('closed', list.map(name => name).join())")).toBe("net_error('closed')")
  })
})

describe('what is unused', () => {
  it.each([
    [
      'a parameter, with its arguments',
      'function f(a, b) { return b }; f(1, x); f(2, y)',
      'function f( b) { return b }; f( x); f( y)',
    ],
    ['a part of a pattern', 'const { a, b } = o; use(b)', 'const { b } = o; use(b)'],
    ['a member of ours', 'class C { our_one() {} two() {} }', 'class C { two() {} }'],
    ['a property of ours', 'use({ our_one: 1, two: 2 })', 'use({ two: 2 })'],
    ['what only assigns it', 'this.our_one = f()', 'f()'],
    [
      'a call of a method that does nothing',
      'class C { #no() {} two() { this.#no(1) } }',
      'class C { #no() {} two() { void 0 } }',
    ],
  ])('goes: %s', (_name, code, expected) => {
    expect(unused_removed(code)).toBe(expected)
  })

  it.each([
    ['a parameter whose argument has an effect', 'function f(a) {}; f(g())'],
    ['a parameter of a function that is passed on', 'function f(a) {}; use(f)'],
    ['a value that has an effect', 'const { a = f() } = o; const b = f()'],
    ['a pattern whose rest is used', 'const { a, ...rest } = o; use(rest)'],
    ['a member that is read', 'class C { our_one() {} }; use(c.our_one)'],
    ['a member that a text names', "class C { our_one() {} }; use(c['our_one'])"],
    ['a member that is not ours', 'class C { one() {} }'],
  ])('stays: %s', (_name, code) => {
    expect(unused_removed(code)).toBe(code)
  })
})

describe('what is constant in a page', () => {
  it.each([
    ['a comparison', "if (side === 'server') f()", 'if (false) f()'],
    ['its opposite', "if (side !== 'server') f()", 'if (true) f()'],
    ['an alternative', "return_it = a || side === 'server'", 'return_it = a'],
    ['a member that pages leave out', 'c = platform.channels?.[name].error', 'c = void 0'],
  ])('is replaced: %s', (_name, code, expected) => {
    expect(compact(with_page_constants(code))).toBe(expected)
  })

  it('is checked: a value that should not occur fails the build', () => {
    expect(() => check_page_constants("traits = { side: 'server' }")).toThrow(
      /'server', which page_constants/,
    )
    expect(() => check_page_constants('platform = { channels }')).toThrow(/channels, which page_constants/)
  })
})

it('messages link to the page of errors as it was at the release', () => {
  const manifest = { name: '@bt/ws-client', version: '1.2.3' }
  expect(errors_page(manifest)).toBe('docs/errors.md')
  expect(errors_page({ ...manifest, repository: { url: 'git+https://host/owner/repository.git' } })).toBe(
    'https://host/owner/repository/blob/@bt/ws-client@1.2.3/docs/errors.md',
  )
})
