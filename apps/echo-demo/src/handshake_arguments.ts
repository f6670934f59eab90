import { InvalidArgumentError } from 'commander'

/** The syntax of header names and subprotocols (RFC 9110 §5.6.2). */
const TOKEN = /^[\w!#$%&'*+\-.^`|~]+$/
const TOKEN_CHARACTERS = "letters, digits and !#$%&'*+-.^_`|~"
/** A name, and a value without the whitespace around it (RFC 9110 §5.5). */
const HEADER = /^([^:]*):[ \t]*(.*?)[ \t]*$/s

/**
 * Adds a header from the command line to those before it. Its value is checked by `connect`.
 *
 * @throws InvalidArgumentError for text without a colon, or with a missing, invalid or repeated name
 */
export function add_header(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name, value] = HEADER.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError("Give NAME:VALUE, such as 'Authorization: Bearer …'.")
  if (!TOKEN.test(name))
    throw new InvalidArgumentError(
      `Give NAME:VALUE, with a NAME of ${TOKEN_CHARACTERS}, and no blank before the colon.`,
    )
  if (Object.keys(before).some(other => other.toLowerCase() === name.toLowerCase()))
    throw new InvalidArgumentError('Give each header once, in upper or in lower case.')
  return { ...before, [name]: value }
}

/**
 * Adds a subprotocol from the command line to those before it.
 *
 * @throws InvalidArgumentError for an invalid or repeated name
 */
export function add_protocol(text: string, before: readonly string[] = []): readonly string[] {
  if (!TOKEN.test(text))
    throw new InvalidArgumentError(`Give the name of a subprotocol, of ${TOKEN_CHARACTERS}, such as chat.v1.`)
  if (before.includes(text)) throw new InvalidArgumentError('Give each subprotocol once.')
  return [...before, text]
}
