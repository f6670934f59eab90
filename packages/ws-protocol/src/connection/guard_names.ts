import { NetError } from '../errors/errors.js'

/** The names under which other libraries register callbacks. */
const METHODS = ['on', 'once', 'addEventListener']
const PROPERTIES = ['onopen', 'onmessage', 'onclose', 'onerror']

/**
 * Makes handles with this prototype throw an error if they are used like those of other libraries, or if one
 * of `own_methods` is assigned instead of called: otherwise a callback would never be called, without a word.
 * `instead` says what to write.
 */
export function guard_names(prototype: object, own_methods: readonly string[], instead: string): void {
  const fail = (name: string) => (): never => {
    throw new NetError('unsupported', `${name} registers nothing here: ${instead}`)
  }
  for (const name of METHODS) Object.defineProperty(prototype, name, { value: fail(name) })
  for (const name of [...PROPERTIES, ...own_methods]) {
    const method: unknown = Reflect.get(prototype, name)
    Object.defineProperty(prototype, name, { get: () => method, set: fail(`${name} = …`) })
  }
}
