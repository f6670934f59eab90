/**
 * Removes the blanks around a value (RFC 9112 §5.1), but no other characters that `String.trim` would remove.
 */
function without_blanks(value: string): string {
  let start = 0
  let end = value.length
  while (start < end && is_blank(value.charCodeAt(start))) start += 1
  while (start < end && is_blank(value.charCodeAt(end - 1))) end -= 1
  return value.slice(start, end)
}

function is_blank(character: number): boolean {
  return character === 0x20 || character === 0x09
}

/**
 * Returns the elements of a comma-separated list. A recipient has to ignore empty ones (RFC 2616 §2.1, RFC
 * 9110 §5.6.1.2).
 */
export function list_elements(header: string): string[] {
  return header
    .split(',')
    .map(without_blanks)
    .filter(element => element !== '')
}

/**
 * Whether a list of tokens contains `token`, in lower case. Headers such as Connection and Upgrade are
 * case-insensitive (RFC 9110 §7.6.1, §7.8).
 */
export function has_token(header: string | undefined, token: string): boolean {
  const tokens = header?.toLowerCase()
  // Most such lists have one element, which needs no parsing.
  return tokens === token || (tokens !== undefined && list_elements(tokens).includes(token))
}
