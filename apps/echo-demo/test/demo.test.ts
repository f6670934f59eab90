import { connect } from '@bt/net'
import { expect, it } from 'vitest'
import { Program, run, start_server, stopped_at } from './program.ts'

it('prints both sides of a conversation and what to try next, and serves until Ctrl-C', async () => {
  const { program, url } = await start_server('demo')
  const address = /server {2}(\S+) connected/.exec(program.stdout)?.[1]
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/)
  // The order between the lines of both sides varies.
  const lines_of = (side: string): string[] =>
    program.stdout.split('\n').filter(line => line.startsWith(side))
  expect(lines_of('server')).toEqual([
    `server  listening on ${url}`,
    `server  ${address} connected; I send it 'welcome'`,
    `server  ${address} says 'hello'; I answer 'echo:hello'`,
    `server  ${address} is gone (code 1000, cause peer)`,
  ])
  expect(lines_of('client')).toEqual([
    `client  I connect to ${url} and say 'hello'`,
    `client  the server says 'welcome'`,
    `client  the server says 'echo:hello'`,
    'client  that was two messages: I close',
    'client  closed (code 1000, cause local)',
  ])
  const hints = program.stdout.slice(program.stdout.indexOf('The server keeps running'))
  expect(hints).toContain(`main.js connect ${url}\n`)
  expect(hints).toContain(`new WebSocket('${url}')`)
  const client = connect({ type: 'ws', url })
  client.send('still there?')
  const answers = client[Symbol.asyncIterator]()
  expect((await answers.next()).value).toBe('welcome')
  expect((await answers.next()).value).toBe('echo:still there?')
  program.child.kill('SIGINT')
  expect(await program.exit).toEqual({ code: 0, signal: null })
  expect(program.stdout).toMatch(/server {2}stopped\n$/)
})

it('names the page that was given with --page', async () => {
  const { program } = await start_server('demo', '--page', 'http://127.0.0.1:8080/')
  await program.says('Ctrl-C stops it.')
  expect(program.stdout).toContain('  in a browser, with plots and switches\n    http://127.0.0.1:8080/\n')
  expect(program.stdout).not.toContain('new WebSocket(')
})

it('prints no hints if it is stopped while the sample client runs', async () => {
  const { code, stdout } = await run(['demo', '--bind', '127.0.0.1:0'], stopped_at('listening on'))
  expect(code).toBe(0)
  expect(stdout).toContain('server  stopped\n')
  expect(stdout).not.toContain('keeps running')
})

it('runs without arguments, at 127.0.0.1:8081 and /ws', async () => {
  const program = new Program([])
  // If another program uses the port, the error names it as well.
  await program.until(({ stdout, stderr }) => /127\.0\.0\.1:8081/.test(stdout + stderr))
  if (program.stderr === '') await program.says("client  the server says 'echo:hello'")
  expect(program.stdout + program.stderr).toMatch(
    /listening on ws:\/\/127\.0\.0\.1:8081\/ws\n|bind 127\.0\.0\.1:8081: the port is in use/,
  )
})
