/** The negotiated parameters (RFC 7692 §7.1); `own` applies to messages that this side sends. */
export interface DeflateParameters {
  /** This side compresses each message on its own (§7.1.1). */
  readonly own_no_context_takeover: boolean
  /** The peer compresses each message on its own. */
  readonly peer_no_context_takeover: boolean
  /** The base-2 logarithm of this side's window size in bytes, from 8 to 15 (§7.1.2). */
  readonly own_window_bits: number
  /** The base-2 logarithm of the peer's window size in bytes. */
  readonly peer_window_bits: number
}

/** A server's acceptance of an offer. */
export interface AcceptedDeflate {
  /** The negotiated parameters. */
  readonly parameters: DeflateParameters
  /** The element for the response's Sec-WebSocket-Extensions. */
  readonly answer: string
}

/**
 * The parameters that a server requires of both sides; it may impose either without an offer of it (RFC 7692
 * §7.1.1.1, §7.1.1.2).
 */
const IMPOSED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

/** The offer of a client; the handshake of `ws` writes the same. */
export const DEFLATE_OFFER: string = `${IMPOSED}; client_max_window_bits`

/** Without a limit, the window is 32 KiB (RFC 7692 §7.1.2.1, §7.1.2.2). */
const DEFAULT_WINDOW_BITS = 15

/**
 * Accepts the first of a client's offers; returns `undefined` if there is none. Any window size can be
 * honoured, so no valid offer has to be declined (RFC 7692 §7.1.2.1).
 *
 * @param offers - as `deflate_offers` returns them
 */
export function accept_deflate(offers: readonly string[]): AcceptedDeflate | undefined {
  const [offer] = offers
  if (offer === undefined) return undefined
  const offered = parameters_of(offer)
  // Without a value, the client requests no limit, and the response needs none (§7.1.2.2).
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
 * Returns the parameters that a server's response sets for a client; `undefined` if it goes beyond the offer
 * (RFC 7692 §7.1.2). A server that does not confirm `server_no_context_takeover` is assumed to keep its
 * context.
 *
 * @param answer - as `deflate_offers` returns it
 * @param offer - what the client offered
 */
export function agreed_deflate(answer: string, offer: string = DEFLATE_OFFER): DeflateParameters | undefined {
  const agreed = parameters_of(answer)
  const offered = parameters_of(offer)
  const own_window_bits = window_bits(agreed, 'client_max_window_bits')
  const max_own_bits = window_bits(offered, 'client_max_window_bits')
  const is_beyond_offer =
    agreed.has('client_max_window_bits') &&
    (!offered.has('client_max_window_bits') || own_window_bits > max_own_bits)
  const peer_window_bits = window_bits(agreed, 'server_max_window_bits')
  if (is_beyond_offer || peer_window_bits > window_bits(offered, 'server_max_window_bits')) return undefined
  return {
    own_no_context_takeover: agreed.has('client_no_context_takeover'),
    peer_no_context_takeover: agreed.has('server_no_context_takeover'),
    own_window_bits: Math.min(own_window_bits, max_own_bits),
    peer_window_bits,
  }
}

/** Returns the parameters of an extension by name; the value is `undefined` for one without a value. */
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
