import { errors } from '@nats-io/transport-node'
import { expect, it } from 'vitest'
import { in_words, refusal } from '../src/nats_error.js'

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
])('what ends a connection is put into words: %#', (error, words) => {
  expect(in_words(error).message).toContain(words)
})

it.each([
  ['publish', 'this user may not publish on bt.all'],
  ['subscription', 'this user may not subscribe to bt.all'],
] as const)('a refusal to %s names the channel', (operation, words) => {
  expect(refusal(new errors.PermissionViolationError('no', operation, 'bt.all')).message).toBe(words)
})
