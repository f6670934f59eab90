import { InvalidArgumentError } from 'commander'

/** RFC 9110 §5.6.2: of what the names of headers and of subprotocols are made. */
const TOKEN = /^[\w!#$%&'*+\-.^`|~]+$/
const SIGNS = "letters, digits and !#$%&'*+-.^_`|~"
/** A name, and a value without the blanks around it (RFC 9110 §5.5). */
const HEADER = /^([^:]*):[ \t]*(.*?)[ \t]*$/s

/**
 * Adds a header, as the command line has it, to those before it. What its value may be, `connect` says.
 *
 * @throws InvalidArgumentError for what has no colon, or no name before it, or a name that was there before
 */
export function header_and_also(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name, value] = HEADER.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError("Give NAME:VALUE, such as 'Authorization: Bearer …'.")
  if (!TOKEN.test(name))
    throw new InvalidArgumentError(`Give NAME:VALUE, with a NAME of ${SIGNS}, and no blank before the colon.`)
  if (Object.keys(before).some(other => other.toLowerCase() === name.toLowerCase()))
    throw new InvalidArgumentError('Give each header once, in upper or in lower case.')
  return { ...before, [name]: value }
}

/**
 * Adds a subprotocol to those before it.
 *
 * @throws InvalidArgumentError for a name that is none, or that was there before
 */
export function protocol_and_also(text: string, before: readonly string[] = []): readonly string[] {
  if (!TOKEN.test(text))
    throw new InvalidArgumentError(`Give the name of a subprotocol, of ${SIGNS}, such as chat.v1.`)
  if (before.includes(text)) throw new InvalidArgumentError('Give each subprotocol once.')
  return [...before, text]
}
