/** What both sides agreed on (RFC 7692 §7.1); `own` is what this side sends. */
export interface DeflateParameters {
  /** This side compresses each message on its own (§7.1.1). */
  readonly own_no_context_takeover: boolean
  /** The peer compresses each message on its own. */
  readonly peer_no_context_takeover: boolean
  /** This side refers back at most 2 to this power bytes, from 8 to 15 (§7.1.2). */
  readonly own_window_bits: number
  /** The peer refers back at most 2 to this power bytes. */
  readonly peer_window_bits: number
}

/** An offer that a server accepts, and the element of Sec-WebSocket-Extensions that says so. */
export interface AcceptedDeflate {
  /** What is agreed on. */
  readonly parameters: DeflateParameters
  /** The element of Sec-WebSocket-Extensions. */
  readonly answer: string
}

/** What a server requires of both sides; either may be imposed without having been offered (RFC 7692 §7.1.1.1, §7.1.1.2). */
const IMPOSED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

/** What a client offers; the handshake of `ws` writes the same. */
export const DEFLATE_OFFER: string = `${IMPOSED}; client_max_window_bits`

/** A side that is not limited uses up to 32 KiB (RFC 7692 §7.1.2.1, §7.1.2.2). */
const DEFAULT_WINDOW_BITS = 15

/**
 * Accepts the first of a client's offers; `undefined` if there is none. Any window size can be honoured, so that no valid offer has to be
 * declined (RFC 7692 §7.1.2.1).
 *
 * @param offers - as `deflate_offers` returns them
 */
export function accept_deflate(offers: readonly string[]): AcceptedDeflate | undefined {
  const [offer] = offers
  if (offer === undefined) return undefined
  const offered = parameters_of(offer)
  // Without a value, the client asks for no limit, and none has to be answered (§7.1.2.2).
  const sizes = ['server_max_window_bits', 'client_max_window_bits'].filter(name => offered.get(name))
  return {
    parameters: {
      own_no_context_takeover: true,
      peer_no_context_takeover: true,
      own_window_bits: window_bits(offered, 'server_max_window_bits'),
      peer_window_bits: window_bits(offered, 'client_max_window_bits'),
    },
    answer: [IMPOSED, ...sizes.map(name => `${name}=${offered.get(name)}`)].join('; '),
  }
}

/**
 * Returns what a server's answer means for a client; `undefined` if it goes beyond the offer (RFC 7692 §7.1.2). A server that was asked to compress
 * each message on its own, and does not say that it will, is taken to keep its context.
 *
 * @param answer - as `deflate_offers` returns it
 * @param offer - what the client offered
 */
export function agreed_deflate(answer: string, offer: string = DEFLATE_OFFER): DeflateParameters | undefined {
  const agreed = parameters_of(answer)
  const offered = parameters_of(offer)
  const own_window_bits = window_bits(agreed, 'client_max_window_bits')
  const most_own_bits = window_bits(offered, 'client_max_window_bits')
  const is_beyond_offer =
    agreed.has('client_max_window_bits') &&
    (!offered.has('client_max_window_bits') || own_window_bits > most_own_bits)
  const peer_window_bits = window_bits(agreed, 'server_max_window_bits')
  if (is_beyond_offer || peer_window_bits > window_bits(offered, 'server_max_window_bits')) return undefined
  return {
    own_no_context_takeover: agreed.has('client_no_context_takeover'),
    peer_no_context_takeover: agreed.has('server_no_context_takeover'),
    own_window_bits: Math.min(own_window_bits, most_own_bits),
    peer_window_bits,
  }
}

/** Parameters by name; one without a value is `undefined`. */
function parameters_of(extension: string): ReadonlyMap<string, string | undefined> {
  const [, ...parameters] = extension.split('; ')
  return new Map(
    parameters.map(parameter => {
      const [name = '', value] = parameter.split('=')
      return [name, value]
    }),
  )
}

function window_bits(parameters: ReadonlyMap<string, string | undefined>, name: string): number {
  return Number(parameters.get(name) ?? DEFAULT_WINDOW_BITS)
}
