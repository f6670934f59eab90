import { describe, expect, it } from 'vitest'
import { deflate_offers } from '../../src/handshake/deflate_offer.js'

const PMD = 'permessage-deflate'

describe('deflate_offers', () => {
  it.each([PMD, `${PMD}; server_no_context_takeover; client_no_context_takeover`])(
    'keeps %s from either side',
    offer => {
      expect(deflate_offers(offer, 'client')).toEqual([offer])
      expect(deflate_offers(offer, 'server')).toEqual([offer])
    },
  )

  it.each([
    `${PMD};server_max_window_bits=10;client_max_window_bits="15"`,
    `${PMD} ;\tserver_max_window_bits = 10 ; client_max_window_bits\t=\t15`,
    `${PMD}; server_max_window_bits="1\\0"; client_max_window_bits = "\\1\\5"`,
    `, ,${PMD}; server_max_window_bits=10; client_max_window_bits=15 ,,`,
  ])('normalizes %s', offer => {
    const plain = `${PMD}; server_max_window_bits=10; client_max_window_bits=15`
    expect(deflate_offers(offer, 'client')).toEqual([plain])
    expect(deflate_offers(offer, 'server')).toEqual([plain])
  })

  it('keeps client_max_window_bits without a value only from a client', () => {
    const offer = `${PMD}; client_max_window_bits`
    expect(deflate_offers(offer, 'client')).toEqual([offer])
    expect(deflate_offers(offer, 'server')).toEqual([])
  })

  it.each([
    'x-unknown; a=1',
    `${PMD}; unknown`,
    `${PMD}; server_no_context_takeover=1`,
    `${PMD}; client_no_context_takeover=1`,
    `${PMD}; server_max_window_bits`,
    `${PMD}; server_max_window_bits=08`,
    `${PMD}; client_max_window_bits=16`,
    `${PMD}; client_max_window_bits=1e1`,
    `${PMD}; server_max_window_bits=9; server_max_window_bits=9`,
  ])('drops %s', offer => {
    expect(deflate_offers(offer, 'client')).toEqual([])
  })

  it('keeps the other elements of a list, in order', () => {
    const list = `x-unknown , ${PMD}; unknown,${PMD}; server_max_window_bits=10, ${PMD}`
    expect(deflate_offers(list, 'client')).toEqual([`${PMD}; server_max_window_bits=10`, PMD])
  })

  it.each([
    '',
    ' ',
    ',',
    ', ,',
    ';',
    `${PMD};`,
    `${PMD};,`,
    `${PMD};;a`,
    `${PMD}; =1`,
    `${PMD}; a=`,
    `${PMD}; a=, ${PMD}`,
    `${PMD}; a="b`,
    `${PMD}; a=""`,
    `${PMD}; a="b c"`,
    `${PMD}; a="b,c"`,
    `${PMD}; a="b\\"`,
    `${PMD}; a="b"c`,
    `${PMD}; a\\b`,
    `${PMD} x`,
    `${PMD}; a b`,
  ])('rejects the malformed list %j', list => {
    expect(deflate_offers(list, 'client')).toBeUndefined()
  })
})
