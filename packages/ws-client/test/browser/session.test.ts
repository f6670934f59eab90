import { describe } from 'vitest'
// The WebSocket of `ws` has the interface of the standard one.
import { WebSocket } from 'ws'
import { connect } from '../../src/browser/connect.js'
import { connect as connect_with_headers } from '../../src/browser/connect_with_headers.js'
import { session } from '../../src/session.browser.js'
import { session_cases } from '../session_cases.js'

describe('the sources', () => session_cases({ connect, session, Socket: WebSocket, has_texts: true }))

describe('the sources for Deno and Bun', () =>
  session_cases({ connect: connect_with_headers, session, Socket: WebSocket, has_texts: true }))

describe.each([
  ['development', true],
  ['production', false],
] as const)('the build for pages in %s', async (mode, has_texts) => {
  const { connect, session }: typeof import('../../src/index.browser.js') = await import(
    /* @vite-ignore */ `../../dist/page/${mode}.js`
  )
  session_cases({ connect, session, Socket: WebSocket, has_texts })
})
