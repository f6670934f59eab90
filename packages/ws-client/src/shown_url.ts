/** Scheme and user, then the password, up to the last `@` of the authority (RFC 3986 §3.2.1). */
const PASSWORD = /^((?:[a-z][a-z\d+.-]*:\/\/)?[^/?#:@]*:)[^/?#]*(?=@)/i
/** Where a page has to put a token, since it can send no headers. */
const QUERY_AND_FRAGMENT = /([?#]).+/s

/** A URL, or what was given as one, as it may be shown: without the password, and without what its query and its fragment say. */
export function shown_url(url: string): string {
  return as_read(url).replace(PASSWORD, '$1***').replace(QUERY_AND_FRAGMENT, '$1***')
}

/** With a password, in the one way to write it in which that is found: `ws:/user:password@host` has one, too. */
function as_read(url: string): string {
  const read = URL.canParse(url) ? new URL(url) : undefined
  return read === undefined || read.password === '' ? url : read.href
}
