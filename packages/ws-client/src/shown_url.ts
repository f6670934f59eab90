/** Scheme and user, then the password, up to the last `@` of the authority (RFC 3986 §3.2.1). */
const PASSWORD = /^([a-z+]+:\/\/[^/?#:@]*:)[^/?#]*(?=@)/i
/** Where a page has to put a token, since it can send no headers. */
const QUERY = /\?.+/

/** A URL as it may be shown: without the password, and without what its query says. */
export function shown_url(url: string): string {
  return url.replace(PASSWORD, '$1***').replace(QUERY, '?***')
}
