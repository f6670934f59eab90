import { refuse } from '@bt/net'
import { expect, it } from 'vitest'
import { start_host } from './host.ts'
import { Program, run, start_server } from './program.ts'
import { run_in_process } from './run_in_process.ts'

it('sends each --header with the handshake, without the whitespace around its value', async () => {
  const { url, requests } = await start_host()
  const args = ['--header', 'Authorization: Bearer a:b ', '--header', 'X-Empty:', '--header', 'X-Tight:1']
  const { code } = await run(['connect', ...args, url])
  expect(code).toBe(0)
  expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer a:b', 'x-empty': '', 'x-tight': '1' })
})

it('connects with the token that the server requires', async () => {
  const { url } = await start_host({
    authorize: ({ headers }) => headers['x-token'] === 'ours' || refuse(401, 'no such token'),
  })
  const refused = await run(['connect', url])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toMatch(/^error: .* was answered 401 Unauthorized: no such token\n$/)
  expect((await run(['connect', '--header', 'X-Token: ours', url])).code).toBe(0)
})

it('offers each --protocol in the given order, and prints the one that the server has chosen', async () => {
  const { url, requests } = await start_host({ protocols: ['chat.v1', 'chat.v2'] })
  const { code, stderr } = await run(['connect', '--protocol', 'chat.v2', '--protocol', 'chat.v1', url])
  expect(code).toBe(0)
  expect(requests[0]?.protocols).toEqual(['chat.v2', 'chat.v1'])
  expect(stderr).toContain(`connected to ${url}; the subprotocol is chat.v1\n`)
})

it('sends the headers again, and prints the chosen subprotocol again, after reconnecting', async () => {
  const first = await start_host({ protocols: ['chat.v1'] })
  const args = ['--reconnect', '--header', 'X-Token: ours', '--protocol', 'chat.v2', '--protocol', 'chat.v1']
  const client = new Program(['connect', ...args, first.url])
  await client.until(({ stderr }) => stderr.includes('the subprotocol is chat.v1'))
  await first.stop()
  const { url, requests } = await start_host({ protocols: ['chat.v2'], bind: new URL(first.url).host })
  await client.until(({ stderr }) =>
    stderr.includes(`connected again to ${url}; the subprotocol is chat.v2\n`),
  )
  expect(requests[0]?.headers).toMatchObject({ 'x-token': 'ours' })
  client.child.stdin.end()
  expect(await client.exit).toEqual({ code: 0, signal: null })
})

it('reports in one line that the server takes none of its subprotocols, and exits with code 1', async () => {
  const { url } = await start_server('serve')
  const { code, stdout, stderr } = await run(['connect', '--protocol', 'chat.v1', url])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^error: .* takes none of the subprotocols that are offered; .*\n$/)
})

it.each([
  ['a header without a colon', ['--header', 'Bearer'], ' is invalid. Give NAME:VALUE, such as'],
  ['a header without a name', ['--header', ': x'], ' is invalid. Give NAME:VALUE, with a NAME of'],
  ['a name with a space', ['--header', 'a b: x'], ' is invalid. Give NAME:VALUE, with a NAME of'],
  [
    'a repeated header',
    ['--header', 'Token: 1', '--header', 'token: 2'],
    ' is invalid. Give each header once, in upper or in lower case.',
  ],
  ['a header value of two lines', ['--header', 'X-Two: a\nb'], 'the value of "X-Two" has U+000A at index 1'],
  ['a header of the handshake itself', ['--header', 'Upgrade: x'], '"Upgrade" is the handshake\'s own'],
  ['a subprotocol with a comma', ['--protocol', 'a,b'], ' is invalid. Give the name of a subprotocol,'],
  ['an empty subprotocol', ['--protocol', ''], ' is invalid. Give the name of a subprotocol,'],
  [
    'a repeated subprotocol',
    ['--protocol', 'chat', '--protocol', 'chat'],
    ' is invalid. Give each subprotocol once.',
  ],
])('reports %s in one line, and exits with code 1', async (_, given, expected) => {
  const { code, stdout, stderr } = await run_in_process(['connect', ...given])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^error: .*\n$/)
  expect(stderr).toContain(expected)
})

it('prints neither the password nor the query of the URL when it connects, reconnects and closes', async () => {
  const first = await start_host()
  const url = `${first.url.replace('//', '//ada@corp.com:SECRET@')}?token=SECRET`
  const client = new Program(['connect', '--reconnect', url])
  await client.until(({ stderr }) => stderr.startsWith('connected'))
  await first.stop()
  await client.until(({ stderr }) => stderr.includes('attempt'))
  await start_host({ bind: new URL(first.url).host })
  await client.until(({ stderr }) => stderr.includes('connected again'))
  client.child.stdin.end()
  await client.exit
  expect(client.stderr).toContain(`connected to ${first.url.replace('//', '//***@')}?***\n`)
  expect(client.stdout + client.stderr).not.toContain('SECRET')
})

it('escapes control characters in what a server sends', async () => {
  const hostile = '\u009b31m\u202e\u2028\u200b'
  const closing = await start_host({ on_connect: socket => void socket.close(4_000, hostile) })
  const closed = await run(['connect', closing.url])
  expect(closed.stderr).toContain("reason '\\x9b31m\\u{202e}\\u{2028}\\u{200b}'")
  const refusing = await start_host({ authorize: () => refuse(403, hostile) })
  const refused = await run(['connect', refusing.url])
  expect(refused.stderr).toMatch(/^error: .* was answered 403 Forbidden: /)
  expect(`${closed.stderr}${refused.stderr}`).toMatch(/^[^\p{Cf}\p{Zl}\u0080-\u009f]*$/u)
})
