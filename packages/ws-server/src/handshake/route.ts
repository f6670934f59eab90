/** What `route` has to be, as the end of the sentence "expected …". */
export const ROUTE_EXPECTED = "a path that starts with '/', without query, fragment or space, such as '/ws'"

const ROUTE = /^\/[^\s?#]*$/
/** The absolute form of a request's target (RFC 9112 §3.2.2), as proxies are sent it. */
const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

/** Whether `value` is a valid route: see {@link ROUTE_EXPECTED}. */
export function is_route(value: unknown): value is string {
  return typeof value === 'string' && ROUTE.test(value)
}

/** What a request asks for. */
export interface RequestTarget {
  /** The path, percent-encoded as received. */
  readonly path: string
  /** The query without its `?`; empty if there is none. */
  readonly query: string
}

/** Splits the target of a request line (RFC 9112 §3.2). Never fails: any input has a path, though perhaps one of no route. */
export function parse_target(target: string): RequestTarget {
  const [without_fragment = ''] = target.replace(ABSOLUTE_FORM, '').split('#', 1)
  const question = without_fragment.indexOf('?')
  if (question === -1) return { path: without_fragment || '/', query: '' }
  return { path: without_fragment.slice(0, question) || '/', query: without_fragment.slice(question + 1) }
}

/**
 * Whether a request's path is the route: the same text, once unnecessary percent-encoding is decoded (RFC 3986 §6.2.2.2), so that a route may be
 * written in any script. Case counts, and so does a slash at the end.
 */
export function matches_route(path: string, route: string): boolean {
  return path === route || decoded(path) === decoded(route)
}

/** What decodes to a character that means something else than its escape stays as it is; so does `%25`, an escaped percent sign. */
function decoded(path: string): string {
  const upper = path.replaceAll(/%[0-9a-f]{2}/gi, escaped => escaped.toUpperCase())
  try {
    return decodeURI(upper.replaceAll('%25', '%2525'))
  } catch {
    // A broken escape names nothing else than itself.
    return path
  }
}
