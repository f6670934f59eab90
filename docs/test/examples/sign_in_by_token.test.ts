import { connect, type WsClient, type WsConnectOptions } from '@bt/net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Program } from './program.ts'

const SECRET = '0123456789abcdef0123456789abcdef'

/** Starts the server, and returns it with a token that it has made for that user. */
async function start(
  user: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ program: Program; url: string; token: string }> {
  const program = new Program('sign_in_by_token', { BIND: '127.0.0.1:0', SECRET, ...env }, [user])
  return { program, url: await program.url(), token: await program.says(/token (\S+)/) }
}

function come_in(url: string, options: Partial<WsConnectOptions> = {}): [WsClient, AsyncIterator<string>] {
  const client = connect({ ...options, type: 'ws', url, on_error: () => {} })
  onTestFinished(() => client[Symbol.asyncDispose]())
  return [client, client[Symbol.asyncIterator]()]
}

describe('signing in by a token', () => {
  it('works by a subprotocol, of which the token is not the one agreed on, and by the query', async () => {
    const { program, url, token } = await start('ada')
    const [client, told] = come_in(url, { protocols: ['notes', `token.${token}`] })
    expect(await told.next()).toMatchObject({ value: 'hello ada' })
    expect(client.protocol).toBe('notes')
    const [, told_too] = come_in(`${url}?token=${token}`)
    expect(await told_too.next()).toMatchObject({ value: 'hello ada' })
    client.send('{"text":"hi"}')
    expect(await told_too.next()).toMatchObject({ value: 'ada: {"text":"hi"}' })
    expect(await program.stop()).toEqual({ code: 0, signal: null })
  })

  it('lets nobody in by a token that is missing, changed, or signed by others', async () => {
    const { url, token } = await start('ada')
    const others = await start('ada', { SECRET: SECRET.replace('0', '1') })
    const [content = '', signature = ''] = token.split('.')
    const root = Buffer.from('{"user":"root","ends_ms":9e15}').toString('base64url')
    for (const wrong of ['', 'a', '.', content, `${content}.`, `${root}.${signature}`, others.token]) {
      const [client] = come_in(`${url}?token=${wrong}`)
      const failed = await client.opened.catch((err: unknown) => err)
      expect(failed, wrong).toMatchObject({
        code: 'handshake_refused',
        message: expect.stringContaining('401'),
      })
    }
  })

  it('ends with the token', async () => {
    const { url, token } = await start('ada', { TOKEN_MS: '3000' })
    const [client, told] = come_in(`${url}?token=${token}`)
    expect(await told.next()).toMatchObject({ value: 'hello ada' })
    expect(await client.closed).toMatchObject({ code: 4401, reason: 'the token has expired' })
  })

  it('closes with 4401 at once with a token that has expired, so that a client with reconnect gives up', async () => {
    const { url } = await start('ada')
    const { token } = await start('ada', { TOKEN_MS: '0' })
    for (const options of [{ protocols: ['notes', `token.${token}`] }, { headers: {} }]) {
      const [client, told] = come_in(`${url}?token=${token}`, { ...options, reconnect: true })
      client.send('not heard')
      expect(await client.closed).toMatchObject({ code: 4401, reason: 'the token has expired' })
      expect(await told.next()).toMatchObject({ done: true })
    }
  })

  it.each(['messages', 'new tokens'])('slows down who sends more than 20 %s in a second', async kind => {
    const { url, token } = await start('ada')
    const [client, told] = come_in(`${url}?token=${token}`)
    for (let i = 0; i < 10; i += 1) client.send(kind === 'messages' ? `${i}` : JSON.stringify({ token }))
    client.send('last')
    const began_ms = performance.now()
    while ((await told.next()).value !== 'ada: last');
    // Timers may be a little early.
    expect(performance.now() - began_ms).toBeGreaterThan(10 * 45)
  })

  it('goes on with a new token of the same user, past the end of the first', async () => {
    const { token: longer } = await start('ada')
    const { url, token } = await start('ada', { TOKEN_MS: '3000' })
    const [renewing, told] = come_in(`${url}?token=${token}`)
    const [ending, told_too] = come_in(`${url}?token=${token}`)
    for (const each of [told, told_too]) expect(await each.next()).toMatchObject({ value: 'hello ada' })
    renewing.send(JSON.stringify({ token: longer }))
    expect(await told.next()).toMatchObject({ value: 'renewed' })
    expect(await ending.closed).toMatchObject({ code: 4401 })
    renewing.send('still here')
    expect(await told.next()).toMatchObject({ value: 'ada: still here' })
  })

  it('ends with a new token of somebody else, or one that is none', async () => {
    const { url, token } = await start('ada')
    const expired = (await start('ada', { TOKEN_MS: '0' })).token
    for (const other of [(await start('bob')).token, expired, 'guessed']) {
      const [client] = come_in(`${url}?token=${token}`)
      client.send(JSON.stringify({ token: other }))
      client.on_message(() => {})
      expect(await client.closed).toMatchObject({ code: 4401, reason: 'not a valid token of yours' })
    }
  })

  it('wants a secret that is one', async () => {
    const program = new Program('sign_in_by_token', { SECRET: 'short' })
    expect((await program.exit).code).toBe(1)
    expect(program.written).toContain('set SECRET to 32 characters or more')
  })
})
