import { describe, expect, it } from 'vitest'
import { deflate_offers } from '../../../src/handshake/deflate_offer.js'
import { accept_deflate, agreed_deflate, DEFLATE_OFFER } from '../../../src/node/deflate/deflate_agreement.js'
import { format_offer, ws_deflate } from './ws_deflate.js'

const PMD = 'permessage-deflate'
const IMPOSED = `${PMD}; server_no_context_takeover; client_no_context_takeover`
const WITHOUT_CONTEXT = { own_no_context_takeover: true, peer_no_context_takeover: true }
const BITS = [8, 9, 10, 11, 12, 13, 14, 15]

describe('accept_deflate', () => {
  it('accepts nothing if nothing is offered', () => {
    expect(accept_deflate([])).toBeUndefined()
  })

  it.each(['', '; server_no_context_takeover', '; client_no_context_takeover', '; client_max_window_bits'])(
    'imposes no context takeover, and no window, on an offer of permessage-deflate%s (§7.1.1)',
    offered => {
      expect(accept_deflate([PMD + offered])).toEqual({
        parameters: { ...WITHOUT_CONTEXT, own_window_bits: 15, peer_window_bits: 15 },
        answer: IMPOSED,
      })
    },
  )

  it.each(BITS)('honours server_max_window_bits=%i, and says so (§7.1.2.1)', bits => {
    expect(accept_deflate([`${PMD}; server_max_window_bits=${bits}`])).toEqual({
      parameters: { ...WITHOUT_CONTEXT, own_window_bits: bits, peer_window_bits: 15 },
      answer: `${IMPOSED}; server_max_window_bits=${bits}`,
    })
  })

  it.each(BITS)('honours client_max_window_bits=%i (§7.1.2.2)', bits => {
    expect(accept_deflate([`${PMD}; client_max_window_bits=${bits}`])).toEqual({
      parameters: { ...WITHOUT_CONTEXT, own_window_bits: 15, peer_window_bits: bits },
      answer: `${IMPOSED}; client_max_window_bits=${bits}`,
    })
  })

  it('accepts the first of several offers', () => {
    const offers = [`${PMD}; server_max_window_bits=10; client_max_window_bits`, PMD]
    expect(accept_deflate(offers)?.answer).toBe(`${IMPOSED}; server_max_window_bits=10`)
  })

  it('gives an answer that the client may accept', () => {
    const offer = `${PMD}; server_max_window_bits=10; client_max_window_bits=9`
    const accepted = accept_deflate([offer])
    const [answer = ''] = deflate_offers(String(accepted?.answer), 'server') ?? []
    expect(answer).toBe(accepted?.answer)
    expect(agreed_deflate(answer, offer)).toEqual({
      ...WITHOUT_CONTEXT,
      own_window_bits: 9,
      peer_window_bits: 10,
    })
  })
})

describe('agreed_deflate', () => {
  it.each([
    ['', false, false],
    ['; server_no_context_takeover', false, true],
    ['; client_no_context_takeover', true, false],
    ['; client_no_context_takeover; server_no_context_takeover', true, true],
  ])('reads who keeps a context from permessage-deflate%s', (answered, own, peer) => {
    expect(agreed_deflate(PMD + answered)).toEqual({
      own_no_context_takeover: own,
      peer_no_context_takeover: peer,
      own_window_bits: 15,
      peer_window_bits: 15,
    })
  })

  it.each(BITS)('reads windows of %i bits', bits => {
    const sizes = `; server_max_window_bits=${bits}; client_max_window_bits=${23 - bits}`
    expect(agreed_deflate(PMD + sizes)).toMatchObject({ own_window_bits: 23 - bits, peer_window_bits: bits })
  })

  it.each([
    ['client_max_window_bits=15', PMD],
    ['client_max_window_bits=11', `${PMD}; client_max_window_bits=10`],
    ['server_max_window_bits=11', `${PMD}; server_max_window_bits=10`],
    ['client_no_context_takeover', `${PMD}; server_max_window_bits=10`],
  ])('refuses an answer of %s to the offer %s (§7.1.2)', (answered, offer) => {
    expect(agreed_deflate(`${PMD}; ${answered}`, offer)).toBeUndefined()
  })

  it('keeps its own offer if the answer does not mention it', () => {
    expect(agreed_deflate(PMD, `${PMD}; client_max_window_bits=10`)).toMatchObject({ own_window_bits: 10 })
  })

  it('expects the offer that ws writes', () => {
    const settings = { serverNoContextTakeover: true, clientNoContextTakeover: true }
    expect(format_offer(ws_deflate(settings).offer())).toBe(DEFLATE_OFFER)
    expect(deflate_offers(DEFLATE_OFFER, 'client')).toEqual([DEFLATE_OFFER])
  })
})
