import { connect, type WsClient, type WsConnectOptions } from '@bt/net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Program } from './program.ts'

const SECRET = '0123456789abcdef0123456789abcdef'

/** Starts the server, and returns it with a token that it has issued for a user. */
async function start(
  user: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ program: Program; url: string; token: string }> {
  const program = new Program('sign_in_by_token', { BIND: '127.0.0.1:0', SECRET, ...env }, [user])
  return { program, url: await program.url(), token: await program.says(/token (\S+)/) }
}

function sign_in(url: string, options: Partial<WsConnectOptions> = {}): [WsClient, AsyncIterator<string>] {
  const client = connect({ ...options, type: 'ws', url, on_error: () => {} })
  onTestFinished(() => client[Symbol.asyncDispose]())
  return [client, client[Symbol.asyncIterator]()]
}

describe('signing in by a token', () => {
  it('accepts a token in a subprotocol, which is not selected, or in the query', async () => {
    const { program, url, token } = await start('ada')
    const [client, messages] = sign_in(url, { protocols: ['notes', `token.${token}`] })
    expect(await messages.next()).toMatchObject({ value: 'hello ada' })
    expect(client.protocol).toBe('notes')
    const [, second_messages] = sign_in(`${url}?token=${token}`)
    expect(await second_messages.next()).toMatchObject({ value: 'hello ada' })
    client.send('{"text":"hi"}')
    expect(await second_messages.next()).toMatchObject({ value: 'ada: {"text":"hi"}' })
    expect(await program.stop()).toEqual({ code: 0, signal: null })
  })

  it('refuses a token that is missing, forged, or signed with another secret', async () => {
    const { url, token } = await start('ada')
    const others = await start('ada', { SECRET: SECRET.replace('0', '1') })
    const [content = '', signature = ''] = token.split('.')
    const root = Buffer.from('{"user":"root","ends_ms":9e15}').toString('base64url')
    for (const invalid of ['', 'a', '.', content, `${content}.`, `${root}.${signature}`, others.token]) {
      const [client] = sign_in(`${url}?token=${invalid}`)
      const failed = await client.opened.catch((err: unknown) => err)
      expect(failed, invalid).toMatchObject({
        code: 'handshake_refused',
        message: expect.stringContaining('401'),
      })
    }
  })

  it('closes the socket when the token expires', async () => {
    const { url, token } = await start('ada', { TOKEN_MS: '3000' })
    const [client, messages] = sign_in(`${url}?token=${token}`)
    expect(await messages.next()).toMatchObject({ value: 'hello ada' })
    expect(await client.closed).toMatchObject({ code: 4401, reason: 'the token has expired' })
  })

  it('closes an expired token with 4401 instead of refusing it, so that a client does not reconnect', async () => {
    const { url } = await start('ada')
    const { token } = await start('ada', { TOKEN_MS: '0' })
    for (const options of [{ protocols: ['notes', `token.${token}`] }, { headers: {} }]) {
      const [client, messages] = sign_in(`${url}?token=${token}`, { ...options, reconnect: true })
      client.send('not heard')
      expect(await client.closed).toMatchObject({ code: 4401, reason: 'the token has expired' })
      expect(await messages.next()).toMatchObject({ done: true })
    }
  })

  it.each(['messages', 'new tokens'])(
    'slows down a client that sends more than 20 %s per second',
    async kind => {
      const { url, token } = await start('ada')
      const [client, messages] = sign_in(`${url}?token=${token}`)
      for (let i = 0; i < 10; i += 1) client.send(kind === 'messages' ? `${i}` : JSON.stringify({ token }))
      client.send('last')
      const began_ms = performance.now()
      while ((await messages.next()).value !== 'ada: last');
      // Timers may fire a little early.
      expect(performance.now() - began_ms).toBeGreaterThan(10 * 45)
    },
  )

  it('stays open past the end of a token that the client has renewed', async () => {
    const { token: longer } = await start('ada')
    const { url, token } = await start('ada', { TOKEN_MS: '3000' })
    const [renewing, messages] = sign_in(`${url}?token=${token}`)
    const [ending, second_messages] = sign_in(`${url}?token=${token}`)
    for (const each of [messages, second_messages])
      expect(await each.next()).toMatchObject({ value: 'hello ada' })
    renewing.send(JSON.stringify({ token: longer }))
    expect(await messages.next()).toMatchObject({ value: 'renewed' })
    expect(await ending.closed).toMatchObject({ code: 4401 })
    renewing.send('still here')
    expect(await messages.next()).toMatchObject({ value: 'ada: still here' })
  })

  it('closes the socket after a new token that is invalid, expired, or of another user', async () => {
    const { url, token } = await start('ada')
    const expired = (await start('ada', { TOKEN_MS: '0' })).token
    for (const other of [(await start('bob')).token, expired, 'guessed']) {
      const [client] = sign_in(`${url}?token=${token}`)
      client.send(JSON.stringify({ token: other }))
      client.on_message(() => {})
      expect(await client.closed).toMatchObject({ code: 4401, reason: 'not a valid token of yours' })
    }
  })

  it('does not start with a secret that is too short', async () => {
    const program = new Program('sign_in_by_token', { SECRET: 'short' })
    expect((await program.exit).code).toBe(1)
    expect(program.written).toContain('set SECRET to 32 characters or more')
  })
})
