import { once } from 'node:events'
import { launch_chromium } from '@bt/test-support/chromium'
import type { ConsoleMessage } from 'playwright-core'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { guest, host, Sample, script_of, serve } from './sample_programs.ts'

/** A client of ws, once it is open. */
async function old_client(url: string, options: ClientOptions = {}): Promise<WebSocket> {
  const ws = new WebSocket(url, options)
  onTestFinished(() => ws.terminate())
  await once(ws, 'open')
  return ws
}

/** A client of Socket.IO over WebSocket, as it says that it is connected, or why not. */
async function io_client(
  address: string,
  options: Partial<ManagerOptions & SocketOptions> = {},
): Promise<{ readonly socket: Socket; readonly error: string | undefined }> {
  const socket = io(`http://${address}`, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    ...options,
  })
  onTestFinished(() => void socket.close())
  const error = await new Promise<string | undefined>(resolve => {
    socket.on('connect', () => resolve(undefined))
    socket.on('connect_error', error => resolve(error.message))
  })
  return { socket, error }
}

describe('from_ws.md', () => {
  it('has both on one port, each with its path, and ends what belongs to neither', async () => {
    const { address } = await serve('from_ws.md', 'both.ts')
    const old = await old_client(`ws://${address}/old?a=query`)
    old.send('hello')
    expect(String((await once(old, 'message'))[0])).toBe('old:hello')
    const { ws, hears } = guest(`ws://${address}/ws`)
    ws.send('hello')
    expect(await hears()).toBe('new:hello')
    await expect(guest(`ws://${address}/nothing`).ws.opened).rejects.toMatchObject({
      code: 'handshake_failed',
    })
    expect(await (await fetch(`http://${address}/`)).text()).toBe('a page')
  })

  it('is right about clients that send Buffers', async () => {
    const server = await host({})
    const old = await old_client(`ws://${server.addr}/ws`)
    old.send(Buffer.from('text'))
    expect((await once(old, 'close'))[0]).toBe(1003)
  })
})

describe('from_socket_io.md', () => {
  it('has the same server twice: each tells the others in the lobby', async () => {
    const old = await serve('from_socket_io.md', 'old_server.ts')
    const auth = { token: 'a-token' }
    const [ada, bob] = [await io_client(old.address, { auth }), await io_client(old.address, { auth })]
    const said = once(bob.socket as never, 'said')
    ada.socket.emit('say', 'hello')
    expect(await said).toEqual(['hello'])
    expect((await io_client(old.address)).error).toBe('who are you?')

    const { address } = await serve('from_socket_io.md', 'new_server.ts')
    const url = `ws://${address}/ws`
    const [eve, kim] = [guest(`${url}?token=a-token`), guest(`${url}?token=a-token`)]
    await Promise.all([eve.ws.opened, kim.ws.opened])
    kim.ws.send('this is no JSON')
    eve.ws.send(JSON.stringify({ event: 'say', text: 'hello' }))
    expect(JSON.parse((await kim.hears()) ?? '')).toEqual({ event: 'said', text: 'hello' })
    await expect(guest(url).ws.opened).rejects.toThrow(/401.*who are you/)
  })

  it('has questions that get their answers', async () => {
    const { address } = await serve('from_socket_io.md', 'answer.ts')
    const client = new Sample('from_socket_io.md', 'ask.ts', address)
    expect(await client.all_written()).toBe('you asked: how are you?\n')
    expect((await client.exit).code).toBe(0)
  })

  it('has questions that fail when the connection is lost', async () => {
    const server = await host({ on_message: () => void server.close({ drain_ms: 0 }) })
    const client = new Sample('from_socket_io.md', 'ask.ts', server.addr)
    expect(await client.all_written()).toContain('the connection was lost: nobody knows whether it was done')
  })

  it('has both on one port, where everybody hears everything, and ends what belongs to neither', async () => {
    const { address } = await serve('from_socket_io.md', 'both.ts')
    const { socket } = await io_client(address)
    const { ws, hears } = guest(`ws://${address}/ws`)
    await ws.opened
    const said = once(socket as never, 'said')
    ws.send('from the new')
    expect(await said).toEqual(['from the new'])
    expect(JSON.parse((await hears()) ?? '')).toEqual({ event: 'said', text: 'from the new' })
    socket.emit('say', 'from the old')
    expect(JSON.parse((await hears()) ?? '')).toEqual({ event: 'said', text: 'from the old' })
    await expect(guest(`ws://${address}/nothing`).ws.opened).rejects.toMatchObject({
      code: 'handshake_failed',
    })
  })

  it('is right about clients of one kind at a server of the other', async () => {
    const { address } = await serve('from_socket_io.md', 'both.ts')
    const stranger = guest(`ws://${address}/socket.io/?EIO=4&transport=websocket`)
    expect(await stranger.hears()).toMatch(/^0\{"sid":/)
    const server = await host({})
    expect((await io_client(server.addr, { transports: ['polling'] })).error).toBe('xhr poll error')
    expect((await io_client(server.addr, { path: '/ws', addTrailingSlash: false, timeout: 300 })).error).toBe(
      'timeout',
    )
  })
})

describe('from_browser_websocket.md', () => {
  it('has the same page twice: each says hello, and again to a server that comes back', async () => {
    const chromium = await launch_chromium()
    onTestFinished(() => chromium.close())
    const page = await chromium.newPage()
    const first = await host({ origins: '*', on_message: (socket, data) => void socket.send(`echo:${data}`) })
    // What the browser itself says of a server that is away is not what is waited for.
    const told = (): Promise<ConsoleMessage> =>
      page.waitForEvent('console', message => message.text().startsWith('echo:'))
    const heard = told()
    await page.addScriptTag({ content: script_of('from_browser_websocket.md', 'old_page.ts', first.addr) })
    expect((await heard).text()).toBe('echo:hello')

    const sample = new Sample('from_browser_websocket.md', 'new_page.ts', first.addr)
    await sample.says('echo:hello')

    const again = told()
    first.close({ spread_ms: 1 })
    await first.closed
    await host({
      bind: first.addr,
      origins: '*',
      on_connect: socket => void socket.send('echo:again'),
    })
    expect((await again).text()).toBe('echo:again')
    await sample.says('echo:again')
  })

  it('has a program for Node that ends', async () => {
    const sample = new Sample('from_browser_websocket.md', 'in_node.ts')
    expect(await sample.all_written()).toBe('hello\n')
    expect((await sample.exit).code).toBe(0)
  })
})
