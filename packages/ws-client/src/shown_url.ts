/** Scheme and user, then the password, up to the last `@` of the authority (RFC 3986 §3.2.1). */
const PASSWORD = /^([a-z+]+:\/\/[^/?#:@]*:)[^/?#]*(?=@)/i

/** A URL as it may be shown: without the password. */
export function shown_url(url: string): string {
  return url.replace(PASSWORD, '$1***')
}
