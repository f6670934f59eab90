import { errors } from '@nats-io/transport-node'
import { expect, it } from 'vitest'
import { connection_error, keeps_connection, refusal_error } from '../src/nats_error.js'

it.each([
  [undefined, 'it closed the connection: its log may say why'],
  [new errors.UserAuthenticationExpiredError('expired'), 'the credentials have expired: give new ones'],
  [new errors.AuthorizationError('no'), 'it does not know these credentials (no)'],
  [new errors.ConnectionError('unexpected response from server'), 'what answers there is not NATS'],
  [
    new errors.ConnectionError('error connecting - node provided an undefined error'),
    'it closed the connection: its log may say why',
  ],
  [new Error('something else'), 'something else'],
  [new Error('outside', { cause: new Error('something beneath') }), 'outside'],
])('explains why a connection ended: %#', (error, words) => {
  expect(connection_error(error).message).toContain(words)
})

it.each([
  new TypeError("Cannot destructure property 'certFile' of 'options' as it is undefined."),
  new TypeError("Cannot read properties of undefined (reading 'certFile')"),
  new Error('an unexpected response from a proxy'),
  new Error("the plugin does not support 'tls'"),
  new Error('the authenticator provided an undefined error'),
])('shows the text of an error that only resembles one of the client: %s', error => {
  expect(connection_error(error).message).toBe(error.message)
})

it.each([
  [new errors.PermissionViolationError('no', 'publish', 'bt.all'), true],
  [new errors.ProtocolError('maximum subscriptions exceeded'), true],
  [new errors.ProtocolError('Invalid Subject'), true],
  [new errors.ProtocolError('Invalid Publish Subject'), true],
  [new errors.ProtocolError('maximum connections exceeded'), false],
  [new errors.ProtocolError('Invalid Client Protocol, see Subject'), false],
  [new Error('maximum subscriptions exceeded'), false],
  [new Error('Invalid Subject'), false],
])('knows the errors after which NATS keeps the connection: %s is one: %s', (error, is_kept) => {
  expect(keeps_connection(error)).toBe(is_kept)
})

it.each([
  ['publish', 'this user may not publish on bt.all'],
  ['subscription', 'this user may not subscribe to bt.all'],
] as const)('names the channel of a refused %s', (operation, words) => {
  expect(refusal_error(new errors.PermissionViolationError('no', operation, 'bt.all')).message).toBe(words)
})
