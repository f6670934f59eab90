const LONGEST_SHOWN = 100
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Controls, format characters such as direction marks, line separators and lone surrogates. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu

/** Text that may come from anybody, on one line, and without characters that redraw a terminal, or show the text in another order. */
export function visible(text: string): string {
  return text.replaceAll(INVISIBLE, character => ESCAPES[character] ?? escaped(character.codePointAt(0) ?? 0))
}

function escaped(code_point: number): string {
  return code_point > 0xff ? `\\u{${code_point.toString(16)}}` : `\\x${hex(code_point)}`
}

/** A message as it is shown in a terminal: text as it is, bytes as hexadecimal numbers. */
export function shown(data: string | Uint8Array): string {
  if (typeof data === 'string') return visible(data)
  const bytes = Array.from(data.subarray(0, LONGEST_SHOWN), hex).join(' ')
  return `${data.length} bytes: ${bytes}${data.length > LONGEST_SHOWN ? ' …' : ''}`
}

/** A message as it is told of: its beginning, in quotes. */
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
