const LONGEST_SHOWN = 100
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Text that may come from anybody, on one line and without control characters: they could redraw the terminal. */
export function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, control => ESCAPES[control] ?? `\\x${hex(control.charCodeAt(0))}`)
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
