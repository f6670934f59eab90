/** Returns a valid URL as errors show it: without user, password and query. */
export function shown_url(text: string): string {
  const url = new URL(text)
  const user = url.username === '' && url.password === '' ? '' : '***@'
  return `${url.protocol}${url.host === '' ? '' : `//${user}${url.host}`}${url.pathname}${url.search === '' ? '' : '?***'}`
}
