import { ErrorReply, SocketClosedUnexpectedlyError } from '@redis/client'
import { describe, expect, it } from 'vitest'
import { connect_error, connection_error, is_transient, refusal_error } from '../src/redis_error.js'

const MOVED = 'slots have moved to another node'

describe('the error of a connection', () => {
  it.each([
    [new ErrorReply('NOAUTH Authentication required.'), 'it does not know these credentials: give'],
    [new ErrorReply('WRONGPASS invalid username-password pair'), 'it does not know these credentials: give'],
    [new ErrorReply('ERR invalid password'), 'it does not know these credentials: give'],
    [
      new ErrorReply('ERR AUTH <password> called without any password configured for the default user.'),
      'it does not know these credentials: give',
    ],
    [new ErrorReply('MOVED 866 127.0.0.1:7001'), MOVED],
    [new ErrorReply('ASK 866 127.0.0.1:7001'), MOVED],
    [new ErrorReply('CLUSTERDOWN The cluster is down'), 'the cluster is down, or a part of it'],
    [new ErrorReply('LOADING Redis is loading the dataset in memory'), 'it is still loading its data'],
    [new ErrorReply('BUSY Redis is busy running a script.'), 'it is busy with a script'],
    [new ErrorReply('ERR max number of clients reached'), 'it has as many clients as it takes (maxclients)'],
    [
      new ErrorReply('ERR max number of clients + cluster connections reached'),
      'it has as many clients as it takes (maxclients)',
    ],
    [new ErrorReply("ERR unknown command 'HELLO'"), 'it is older than Redis 6, or not Redis'],
    [new TypeError("Cannot read properties of undefined (reading 'value')"), MOVED],
    [new TypeError("Cannot read properties of undefined (reading 'reject')"), MOVED],
    [new Error('Unknown RESP type 72 "H"'), 'what answers there is not Redis: check the address'],
    [new SocketClosedUnexpectedlyError(), 'it closed the connection: its log may say why'],
  ])('explains %s', (error, explanation) => {
    expect(connection_error(error).message).toContain(explanation)
  })

  it.each([
    new TypeError("Cannot read properties of undefined (reading 'name')"),
    new TypeError("Cannot read properties of undefined (reading 'values')"),
    new Error("Cannot read properties of undefined (reading 'value')"),
    new Error('MOVED 866 127.0.0.1:7001'),
    new Error('LOADING the credentials provider failed'),
    new ErrorReply('BUSYGROUP Consumer Group name already exists'),
    new ErrorReply("ERR unknown command 'WAIT'"),
    new ErrorReply('ERR the proxy has reached its max number of clients'),
    new Error('Unknown RESP type'),
  ])('shows the text of an error that only resembles a known one: %s', error => {
    expect(connection_error(error).message).toBe(error.message)
  })

  it('suggests TLS if connecting ends with a closed socket', () => {
    expect(connect_error(new SocketClosedUnexpectedlyError()).message).toContain('it expects TLS (rediss://)')
  })
})

describe('an error reply', () => {
  it.each([
    ['MOVED 866 127.0.0.1:7001', true],
    ['TRYAGAIN Multiple keys request during rehashing of slot', true],
    ['MASTERDOWN Link with MASTER is down', true],
    ['BUSY', true],
    ['BUSYKEY Target key name already exists.', false],
    ['NOPERM User ada has no permissions', false],
    ['ERR MOVED', false],
  ])('requires a new connection by its code: %s %s', (message, expected) => {
    expect(is_transient(new ErrorReply(message))).toBe(expected)
  })

  it.each([
    ['NOPERM no', 'this user may not publish (NOPERM no)'],
    ['NOPERMS no', 'it could not publish (NOPERMS no)'],
    ['ERR no', 'it could not publish (ERR no)'],
  ])('explains a refused action: %s', (message, expected) => {
    expect(refusal_error('publish', new ErrorReply(message)).message).toBe(expected)
  })
})
