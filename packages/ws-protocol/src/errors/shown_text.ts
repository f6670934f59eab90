/** Characters that a terminal obeys or does not show: controls, format characters such as direction marks, line separators, lone surrogates. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu
/**
 * All of the authority up to its last `@`, whichever and however many slashes are before it. Parsers of URLs ignore tabs and line breaks (WHATWG URL
 * §4.4), between slashes too.
 */
const CREDENTIALS = /^([^\\/?#@]*[\\/](?:\s*[\\/])*|)[^\\/?#]*@/
const QUERY_OR_FRAGMENT = /([?#]).+/s
/** Where a URL with an authority, or a query, begins within a text. */
const IN_TEXT = /(?::\/\/|\?)\S+/g

/** Writes every character that is not visible as its code point, such as `\u{9b}`, so that a terminal or a log shows the text on one line. */
export function escape_text(text: string): string {
  return text.replace(INVISIBLE, char => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}

/** Hides what may be secret in a valid URL, or a relative one: user and password (RFC 3986 §3.2.1), query and fragment. */
export function shown_url(url: string): string {
  return url.replace(CREDENTIALS, '$1***@').replace(QUERY_OR_FRAGMENT, '$1***')
}

/** Shows text of unknown origin within a message: at most `longest` characters of it, and no secrets of the URLs in it. */
export function shown_text(text: string, longest = 500): string {
  const shown = text.replace(IN_TEXT, url => shown_url(url))
  return shown.length > longest ? `${shown.slice(0, longest)}…` : shown
}
