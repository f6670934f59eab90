/** A secret that no error message may contain. */
export const SECRET = 'S3CR3T'

/** Characters that a terminal interprets or hides, with their names. */
export const HOSTILE_CHARACTERS: readonly (readonly [name: string, character: string])[] = [
  ['NUL', '\0'],
  ['a line feed', '\n'],
  ['a carriage return', '\r'],
  ['ESC', '\u001b'],
  ['DEL', '\u007f'],
  ['the first C1 control', '\u0080'],
  ['CSI in one character', '\u009b'],
  ['the last C1 control', '\u009f'],
  ['a soft hyphen', '\u00ad'],
  ['an Arabic letter mark', '\u061c'],
  ['a zero-width space', '\u200b'],
  ['a left-to-right mark', '\u200e'],
  ['a right-to-left mark', '\u200f'],
  ['a line separator', '\u2028'],
  ['a paragraph separator', '\u2029'],
  ['a left-to-right embedding', '\u202a'],
  ['a right-to-left override', '\u202e'],
  ['a word joiner', '\u2060'],
  ['a left-to-right isolate', '\u2066'],
  ['a pop of an isolate', '\u2069'],
  ['a byte order mark', '\ufeff'],
  ['half a surrogate pair', '\ud800'],
  ['a noncharacter', '\uffff'],
  ['a tag', '\u{e0041}'],
]

/** All hostile characters in one text. */
export const HOSTILE_TEXT: string = HOSTILE_CHARACTERS.map(([, character]) => character).join('x')

/** Those hostile characters that an HTTP header can carry (RFC 9110 §5.5). */
export const HOSTILE_HEADER = '\u0080x\u009b31mx\u009f'

/** The longest error message with text from a peer, in characters. */
const LONGEST = 4_500
const VISIBLE = /^[^\p{C}\p{Zl}\p{Zp}]*$/u

/** Returns the flaws of a message for people: a secret, an invisible character, or its length. */
export function flaws_in(message: string): string[] {
  const flaws: string[] = []
  if (message.includes(SECRET)) flaws.push(`shows the secret: ${message}`)
  if (!VISIBLE.test(message)) flaws.push(`is not all visible: ${JSON.stringify(message)}`)
  if (message.length > LONGEST) flaws.push(`has ${message.length} characters: ${message.slice(0, 200)}`)
  return flaws
}

/** Returns the messages of an error and of all its causes, one on each line. */
export function messages_of(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${messages_of(error.cause)}` : ''
}
