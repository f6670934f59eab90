import { NetError } from '@bt/ws-protocol'
import { describe_value } from '@bt/ws-protocol/internal'

/** Describes a valid `route`, as the end of the sentence "expected …". */
export const ROUTE_EXPECTED =
  "a path that starts with '/', without query, fragment or space, such as '/ws', or '/rooms/:room', where :room stands for one segment"

const ROUTE = /^\/[^\s?#]*$/
/** What a segment looks like that stands for a parameter. */
const PARAMETER = /^:([\p{L}_][\p{L}\p{N}_]*)$/u
/** What stands for a segment that may be missing in the patterns of other libraries. */
const OPTIONAL_PARAMETER = /\/(:[^/?]*\?)/
/** Characters that have a meaning in the patterns of other libraries, and none here. */
const UNSUPPORTED = /[*()[\]{}|^\\<>]/
/** The start of an absolute-form request target (RFC 9112 §3.2.2), which clients send to proxies. */
const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

/** The parameters of a route, by name. */
export type RouteParams = Readonly<Record<string, string>>

/** The parameters of a route without any. */
export const NO_PARAMS: RouteParams = Object.freeze(Object.create(null))

/**
 * Returns whether `value` is a valid route, as {@link ROUTE_EXPECTED} describes.
 *
 * @throws NetError `invalid_option` for a pattern that is not supported, with the remedy
 */
export function is_route(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const is_path = ROUTE.test(value)
  // The question mark keeps such a pattern from being a path.
  const flaw = is_path ? pattern_flaw(value) : optional_flaw(value)
  if (flaw !== undefined)
    throw new NetError('invalid_option', `listen: the option route is ${describe_value(value)}, ${flaw}`)
  return is_path
}

function optional_flaw(route: string): string | undefined {
  const [, parameter] = OPTIONAL_PARAMETER.exec(route) ?? []
  if (parameter === undefined) return undefined
  return `in which ${describe_value(parameter)} is no parameter: none may be left out; serve both paths from one http server, with a route each`
}

/** Returns what is wrong with the pattern of a route, and what to write instead. */
function pattern_flaw(route: string): string | undefined {
  const [character] = UNSUPPORTED.exec(route) ?? []
  if (character !== undefined)
    return `in which ${character} has no meaning: a parameter such as :room stands for one whole segment, and there are no other patterns; write %${hex(character)} for the character itself`
  const names = new Set<string>()
  for (const segment of segments_of(route)) {
    const name = PARAMETER.exec(segment)?.[1]
    if (name === undefined && segment.includes(':'))
      return `in which ${describe_value(segment)} is no parameter: it is a colon and a name of letters, digits and _, such as :room, and takes the whole segment; write %3A for a colon`
    if (name === undefined) continue
    if (names.has(name))
      return `which has the parameter ${describe_value(segment)} twice: give each a name of its own`
    names.add(name)
  }
  return undefined
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase()
}

function segments_of(path: string): string[] {
  return path.split('/').slice(1)
}

/** One segment of a route: a parameter, or a text without unnecessary percent-encoding. */
type Segment = { readonly name: string } | { readonly text: string }

/** The option `route`, which is a valid one. */
export class Route {
  readonly text: string
  readonly #segments: readonly Segment[]

  constructor(text: string) {
    this.text = text
    this.#segments = segments_of(text).map(segment => {
      const name = PARAMETER.exec(segment)?.[1]
      return name === undefined ? { text: decoded(segment) } : { name }
    })
  }

  /** The same for routes that match the same paths. */
  get paths(): string {
    // A question mark is in no text of a segment.
    return this.#segments.map(segment => ('name' in segment ? '?' : segment.text)).join('/')
  }

  /**
   * Orders routes that match a path in common: the first to match is the one whose text, instead of a
   * parameter, is further left.
   */
  get rank(): string {
    return this.#segments.map(segment => ('name' in segment ? '1' : '0')).join('')
  }

  /** Returns whether the target of a request is for this route. */
  matches(target: string): boolean {
    const { text } = this
    // Most requests name exactly the route, perhaps with a query, and need no parsing.
    if (target.startsWith(text) && (target.length === text.length || target[text.length] === '?')) return true
    return this.params_of(parse_target(target).path) !== undefined
  }

  /**
   * Returns the parameters in the path of a request, or `undefined` if it is not for this route. Segments are
   * compared without unnecessary percent-encoding (RFC 3986 §6.2.2.2), so that a route may be written in any
   * script. Case and a trailing slash matter. A parameter is percent-decoded, and never empty.
   */
  params_of(path: string): RouteParams | undefined {
    const segments = this.#segments
    // One part more than needed shows that there are too many.
    const [root, ...parts] = path.split('/', segments.length + 2)
    if (root !== '' || parts.length !== segments.length) return undefined
    let params: Record<string, string> | undefined
    for (const [index, segment] of segments.entries()) {
      const part = parts[index] as string
      if ('text' in segment) {
        if (part !== segment.text && decoded(part) !== segment.text) return undefined
      } else {
        const value = decoded_parameter(part)
        if (!value) return undefined
        // Without a prototype, a parameter may have any name.
        params ??= Object.create(null) as Record<string, string>
        params[segment.name] = value
      }
    }
    return params === undefined ? NO_PARAMS : Object.freeze(params)
  }
}

function decoded_parameter(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
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
 * Decodes a segment, except for escapes of reserved characters and of the percent sign, which mean something
 * else than the character. A colon means itself (RFC 3986 §3.3), and a route can only have it escaped.
 */
function decoded(segment: string): string {
  const upper = segment.replaceAll(/%[0-9a-f]{2}/gi, escaped => escaped.toUpperCase())
  try {
    return decodeURI(upper.replaceAll('%25', '%2525')).replaceAll('%3A', ':')
  } catch {
    // A segment with an invalid escape matches only itself.
    return segment
  }
}
