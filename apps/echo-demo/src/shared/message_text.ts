const LONGEST_SHOWN = 100
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Control and format characters such as direction marks, line separators and lone surrogates. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu

/**
 * Escapes untrusted text so that it stays on one line, and can neither redraw a terminal nor reorder the
 * text.
 */
export function visible(text: string): string {
  return text.replaceAll(INVISIBLE, character => ESCAPES[character] ?? escaped(character.codePointAt(0) ?? 0))
}

function escaped(code_point: number): string {
  return code_point > 0xff ? `\\u{${code_point.toString(16)}}` : `\\x${hex(code_point)}`
}

/**
 * Returns a message for a terminal: text with its invisible characters escaped, bytes as hexadecimal numbers.
 */
export function shown(data: string | Uint8Array): string {
  if (typeof data === 'string') return visible(data)
  const bytes = Array.from(data.subarray(0, LONGEST_SHOWN), hex).join(' ')
  return `${data.length} bytes: ${bytes}${data.length > LONGEST_SHOWN ? ' …' : ''}`
}

/** Returns the beginning of a message, in quotes if it is text. */
export function quoted(data: string | Uint8Array): string {
  if (typeof data !== 'string') return shown(data)
  const is_long = data.length > LONGEST_SHOWN
  return is_long
    ? `'${visible(data.slice(0, LONGEST_SHOWN))}…' (${data.length} characters)`
    : `'${visible(data)}'`
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
