import { expect, it } from 'vitest'
import * as browser from '../src/index.browser.js'
import * as node from '../src/index.js'

it('listen is unsupported in a browser, and the error names the alternative', () => {
  expect(() => browser.listen()).toThrow(
    expect.objectContaining({
      code: 'unsupported',
      message: 'listen: this platform takes no connections: run listen in Node, and connect to it from here',
    }),
  )
})

it.each([
  ['accept', browser.accept],
  ['refuse', browser.refuse],
])('%s is, too', (name, call) => {
  expect(call).toThrow(
    expect.objectContaining({
      code: 'unsupported',
      message: `${name}: this platform takes no connections: ${name} in the authorize of listen, in Node`,
    }),
  )
})

it('a browser is offered the same names as Node', () => {
  expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort())
})
