/**
 * Characters that a terminal interprets or hides: controls, format characters such as direction marks, line
 * separators, lone surrogates.
 */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu
/**
 * The authority up to its last `@`, after any number of slashes and backslashes. URL parsers ignore tabs and
 * line breaks (WHATWG URL §4.4), between slashes too.
 */
const CREDENTIALS = /^([^\\/?#@]*[\\/](?:\s*[\\/])*|)[^\\/?#]*@/
const QUERY_OR_FRAGMENT = /([?#]).+/s
/** The beginning of a URL's authority, or of a query, within a text. */
const IN_TEXT = /(?::\/\/|\?)\S+/g

/**
 * Escapes every invisible character as its code point, such as `\u{9b}`, so that a terminal or a log shows
 * the text on one line.
 */
export function escape_text(text: string): string {
  return text.replace(INVISIBLE, char => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}

/**
 * Hides the parts of a valid or relative URL that may be secret: user and password (RFC 3986 §3.2.1), query
 * and fragment.
 */
export function shown_url(url: string): string {
  return url.replace(CREDENTIALS, '$1***@').replace(QUERY_OR_FRAGMENT, '$1***')
}

/** Shortens text of unknown origin to `longest` characters, and hides the secrets of URLs in it. */
export function shown_text(text: string, longest = 500): string {
  const shown = text.replace(IN_TEXT, url => shown_url(url))
  return shown.length > longest ? `${shown.slice(0, longest)}…` : shown
}
