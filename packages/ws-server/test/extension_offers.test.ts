import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { without_declined_offers } from '../src/extension_offers.js'

const GOOD = 'permessage-deflate'

function request_with(list: string | undefined): IncomingMessage {
  const headers = { host: '127.0.0.1', ...(list === undefined ? {} : { 'sec-websocket-extensions': list }) }
  return { method: 'GET', headers } as unknown as IncomingMessage
}

describe('without_declined_offers', () => {
  it.each([undefined, `${GOOD};`, ''])('hands on the request itself where the list is %j', list => {
    const request = request_with(list)
    expect(without_declined_offers(request)).toBe(request)
  })

  it('keeps what can be agreed on, and the rest of the request', () => {
    const request = request_with(`x-unknown, ${GOOD}; unknown, ${GOOD}`)
    const offered = without_declined_offers(request)
    expect(offered.headers).toEqual({ host: '127.0.0.1', 'sec-websocket-extensions': GOOD })
    expect(offered.method).toBe('GET')
  })

  it('leaves the request that the user sees as it came', () => {
    const list = `${GOOD}; unknown`
    const request = request_with(list)
    expect(without_declined_offers(request).headers).toEqual({ host: '127.0.0.1' })
    expect(request.headers['sec-websocket-extensions']).toBe(list)
  })
})
