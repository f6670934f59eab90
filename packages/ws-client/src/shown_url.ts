/**
 * Scheme and user, then the password, up to the last `@` (RFC 3986 §3.2.1): also where the scheme is missing or written in a way that only URL parsers
 * understand, and where the password has characters that it may not have. A port is no password.
 */
const PASSWORD =
  /^(\s*(?:[a-z][a-z\d+.\s-]*:)?[\\/]*[^\\/?#:@[]*:)(?!\d*(?:[\\/?#]|$))(?:[^\\/?#]*|.*)(?=@)/is
/** Where a page has to put a token, since it can send no headers; or where somebody puts it by mistake. */
const QUERY_OR_FRAGMENT = /([?#]).+/s

/** A URL, or what was given as one, as it may be shown: without the password, and without what its query or its fragment says. */
export function shown_url(url: string): string {
  return url.replace(PASSWORD, '$1***').replace(QUERY_OR_FRAGMENT, '$1***')
}
