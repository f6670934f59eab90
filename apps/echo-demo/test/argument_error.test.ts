import { expect, it } from 'vitest'
import { run_in_process } from './run_in_process.ts'

it.each([
  [
    'a broker of another kind',
    ['serve', '--cluster', 'amqp://ada:SECRET@host'],
    /^error: option '--cluster <url>' is invalid\. Give nats:/,
  ],
  [
    'a header without a colon',
    ['connect', '--header', 'Authorization Bearer SECRET'],
    /^error: option '--header <name:value>' is invalid\. Give NAME:VALUE/,
  ],
  [
    'a repeated header',
    ['connect', '--header', 'a:1', '--header', "A:SECRET' is invalid."],
    /^error: option .* Give each header once/,
  ],
  [
    'an invalid subprotocol',
    ['connect', '--protocol', 'SECRET SECRET'],
    /^error: option '--protocol <name>' is invalid\. Give the name/,
  ],
  ['a mistyped option', ['connect', '--heador=Authorization: SECRET'], /^error: unknown option '--heador'/],
  [
    'invisible characters',
    ['connect', '--hea\u202e\u009bdor'],
    /^error: unknown option '--hea\\u\{202e\}\\x9bdor'/,
  ],
  [
    'an invalid URL',
    ['connect', 'ws://ada@corp.com:SECRET@ho st/?SECRET'],
    /^error: .* "ws:\/\/\*\*\*@ho st\/\?\*\*\*"/,
  ],
  [
    'a broker with a query',
    ['serve', '--bind', '127.0.0.1:0', '--cluster', 'redis://ada:SECRET@host/?SECRET'],
    /^error: .* "redis:\/\/\*\*\*@host\/\?\*\*\*"/,
  ],
] as const)('reports %s without its secret', async (_name, args, expected) => {
  const { code, stdout, stderr } = await run_in_process(args)
  expect(code).toBe(1)
  expect(stderr).toMatch(expected)
  expect(stdout + stderr).not.toContain('SECRET')
})
