import { describe, expect, it } from 'vitest'
import { bind_error } from '../../src/http/bind_error.js'

const tcp = { kind: 'tcp', host: '127.0.0.1', port: 80 } as const
const unix = { kind: 'unix', path: '/run/echo.sock' } as const

describe('bind_error', () => {
  it.each([
    ['EADDRINUSE', tcp, 'address_in_use', 'bind another port'],
    ['EADDRINUSE', unix, 'address_in_use', 'remove the file'],
    ['EACCES', tcp, 'permission_denied', 'from 1024 on'],
    ['EACCES', unix, 'permission_denied', 'another directory'],
    // Node reports the same error if the directory is missing.
    ['EACCES', unix, 'permission_denied', 'there is no such directory'],
    ['EPERM', tcp, 'permission_denied', 'from 1024 on'],
    ['EADDRNOTAVAIL', tcp, 'address_unavailable', 'no such address'],
    ['ENOTFOUND', tcp, 'address_unavailable', 'no such address'],
    ['EAI_AGAIN', tcp, 'address_unavailable', 'the DNS does not answer'],
    ['EMFILE', tcp, 'address_unavailable', 'ulimit -n'],
    ['ENFILE', tcp, 'address_unavailable', 'ulimit -n'],
    ['EIO', tcp, 'address_unavailable', 'what the system said'],
  ] as const)('of %s at a %o is %s, and says what to do', (errno, address, code, advice) => {
    const cause = Object.assign(new Error('what the system said'), { code: errno })
    const error = bind_error('the bind', address, cause)
    expect(error).toMatchObject({ code, cause })
    expect(error.message).toContain('the bind')
    expect(error.message).toContain(advice)
  })
})
