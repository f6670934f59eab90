import { describe, expect, it } from 'vitest'
import { guard_names } from '../../src/connection/guard_names.js'

class Handle {
  readonly name = 'a handle'

  on_message(): string {
    return this.name
  }
}
guard_names(Handle.prototype, ['on_message'], 'call on_message(fn)')

const handle = new Handle()

describe('guard_names', () => {
  it.each(['on', 'once', 'addEventListener'])('makes %s a method that says what to write', name => {
    const method: unknown = Reflect.get(handle, name)
    expect(method).toThrow(
      expect.objectContaining({
        code: 'unsupported',
        message: `${name} registers nothing here: call on_message(fn)`,
      }),
    )
  })

  it.each(['onmessage', 'onopen', 'onclose', 'onerror', 'on_message'])(
    'makes an assignment to %s say what to write, also in code that is not strict',
    name => {
      expect(() => new Function('handle', `handle.${name} = () => {}`)(handle)).toThrow(
        `${name} = … registers nothing here`,
      )
    },
  )

  it('leaves methods as they are, and shows nothing of its own when a handle is printed or listed', () => {
    expect(handle.on_message()).toBe('a handle')
    expect(Object.keys(handle)).toEqual(['name'])
    expect(Reflect.get(handle, 'onmessage')).toBe(undefined)
  })
})
