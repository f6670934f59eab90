import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type WsClient } from '@bt/net'
import { session } from '@bt/net/session'
import { temporary_folder } from '@bt/test-support/temporary'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Sample, serve } from './sample_programs.ts'

const GUIDE = 'nothing_lost.md'

interface SessionClient {
  readonly ws: WsClient
  next_message(): Promise<string | undefined>
}

function connect_session(url: string): SessionClient {
  const ws = connect({ type: 'ws', url, reconnect: true, session: session(), on_error: () => {} })
  onTestFinished(() => {
    ws.terminate()
  })
  const messages = ws[Symbol.asyncIterator]()
  return { ws, next_message: async () => (await messages.next()).value }
}

describe('nothing_lost.md', () => {
  it('client.ts goes on with its session each time that its connection is dropped', async () => {
    const { sample: server, address } = await serve(GUIDE, 'server.ts')
    const client = new Sample(GUIDE, 'client.ts', address)
    await client.says('a new session, 0 messages in doubt\n')
    for (let drops = 1; drops <= 3; drops += 1) {
      client.type('')
      await client.says(new RegExp(`(?:the same session\\n){${drops}}`))
      await server.says(new RegExp(`(?:.+ is away\\n.+ is back\\n){${drops}}`))
    }
    expect(await client.stop('SIGINT')).toEqual({ code: 0, signal: null })
    expect(client.written).toMatch(
      /^a new session, 0 messages in doubt\n(?:the same session\n){3}the server has handled all \d+\n$/,
    )
    await server.says(/ has gone: peer\n/)
  })

  it('client.ts starts a new session, with nothing in doubt, if its server was closed in order', async () => {
    const { sample: first, address } = await serve(GUIDE, 'server.ts')
    const client = new Sample(GUIDE, 'client.ts', address)
    await client.says('a new session, 0 messages in doubt\n')
    expect(await first.stop()).toEqual({ code: 0, signal: null })
    new Sample(GUIDE, 'server.ts', address)
    await client.says(/(?:a new session, 0 messages in doubt\n[\s\S]*){2}/)
    expect(await client.stop('SIGINT')).toEqual({ code: 0, signal: null })
  })

  it('report.ts reports a message whose server was killed while it was handling it', async () => {
    const hangs = {
      '(socket, data) => {': "(socket, data) => { console.log('got', data); return new Promise(() => {});",
    }
    const { sample: first, address } = await serve(GUIDE, 'server.ts', hangs)
    const client = new Sample(GUIDE, 'report.ts', address)
    client.type('hello')
    await first.says('got hello\n')
    await first.stop('SIGKILL')
    new Sample(GUIDE, 'server.ts', address)
    await client.says('may or may not have been handled: hello\n')
  })

  it('order.ts sends an order again if its server was killed, and orders.ts takes it once', async () => {
    const folder = temporary_folder('orders')
    onTestFinished(() => {
      rmSync(folder, { recursive: true })
    })
    const file = join(folder, 'orders.txt')
    const changes = { "'orders.txt'": JSON.stringify(file) }
    const { sample: first, address } = await serve(GUIDE, 'orders.ts', {
      ...changes,
      'done.add(id)': "process.kill(process.pid, 'SIGKILL')",
    })
    const client = new Sample(GUIDE, 'order.ts', address)
    expect(await first.exit).toEqual({ code: null, signal: 'SIGKILL' })
    const second = new Sample(GUIDE, 'orders.ts', address, changes)
    expect(await client.exit).toEqual({ code: 0, signal: null })
    expect(client.written).toMatch(/ordered\n$/)
    await second.says('once is enough\n')
    expect(readFileSync(file, 'utf8').match(/\n/g)).toHaveLength(1)
  })

  it('presence.ts says who is away, back, and has left', async () => {
    const { address } = await serve(GUIDE, 'presence.ts')
    const ada = connect_session(`ws://${address}/ws?token=a-token`)
    expect(await ada.next_message()).toBe('ada is here')
    const bob = connect_session(`ws://${address}/ws?token=b-token`)
    expect(await bob.next_message()).toBe('bob is here')
    ada.ws.reconnect()
    expect([await bob.next_message(), await bob.next_message()]).toEqual(['ada is away', 'ada is back'])
    ada.ws.send('hello')
    expect(await bob.next_message()).toBe('ada: hello')
    ada.ws.close()
    expect(await bob.next_message()).toBe('ada has left')
    await expect(connect_session(`ws://${address}/ws`).ws.opened).rejects.toThrow(/401.*no such token/s)
  })
})
