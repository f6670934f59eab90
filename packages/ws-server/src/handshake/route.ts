/** Describes a valid `route`, as the end of the sentence "expected …". */
export const ROUTE_EXPECTED = "a path that starts with '/', without query, fragment or space, such as '/ws'"

const ROUTE = /^\/[^\s?#]*$/
/** The start of an absolute-form request target (RFC 9112 §3.2.2), which clients send to proxies. */
const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

/** Returns whether `value` is a valid route, as {@link ROUTE_EXPECTED} describes. */
export function is_route(value: unknown): value is string {
  return typeof value === 'string' && ROUTE.test(value)
}

/** The parsed target of a request. */
export interface RequestTarget {
  /** The path, percent-encoded as received. */
  readonly path: string
  /** The query without its `?`; empty if there is none. */
  readonly query: string
}

/**
 * Splits the target of a request line (RFC 9112 §3.2). It never fails; an invalid target has a path that
 * matches no route.
 */
export function parse_target(target: string): RequestTarget {
  const [without_fragment = ''] = target.replace(ABSOLUTE_FORM, '').split('#', 1)
  const question = without_fragment.indexOf('?')
  if (question === -1) return { path: without_fragment || '/', query: '' }
  return { path: without_fragment.slice(0, question) || '/', query: without_fragment.slice(question + 1) }
}

/**
 * Returns whether the path of a request is the route. Both are compared without unnecessary percent-encoding
 * (RFC 3986 §6.2.2.2), so that a route may be written in any script. Case and a trailing slash matter.
 */
export function matches_route(path: string, route: string): boolean {
  return path === route || decoded(path) === decoded(route)
}

/**
 * Decodes a path, except for escapes of reserved characters and of the percent sign, which mean something
 * else than the character.
 */
function decoded(path: string): string {
  const upper = path.replaceAll(/%[0-9a-f]{2}/gi, escaped => escaped.toUpperCase())
  try {
    return decodeURI(upper.replaceAll('%25', '%2525'))
  } catch {
    // A path with an invalid escape matches only itself.
    return path
  }
}
