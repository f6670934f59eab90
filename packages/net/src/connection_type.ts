import { NetError } from '@bt/ws-protocol'
import { describe_value } from '@bt/ws-protocol/internal'

/** Every kind of connection. */
const CONNECTION_TYPES = ['ws', 'mem'] as const

/** The kind of connection that a call is about. */
export type ConnectionType = (typeof CONNECTION_TYPES)[number]

/** Reads the `type` of a call's options; if it is unknown, the error lists those that are known. */
export function connection_type(call: string, options: unknown): ConnectionType {
  if (typeof options !== 'object' || options === null) {
    throw new NetError(
      'invalid_option',
      `${call} got ${describe_value(options)} for its options: give an object`,
    )
  }
  const { type } = options as { readonly type?: unknown }
  const known = CONNECTION_TYPES.find(name => name === type)
  if (known !== undefined) return known
  const names = CONNECTION_TYPES.map(name => `'${name}'`).join(', ')
  const got = type === undefined ? 'is missing' : `is ${describe_value(type)}`
  throw new NetError('invalid_option', `${call}: the option type ${got}; known types are ${names}`)
}
