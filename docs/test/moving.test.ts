import { once } from 'node:events'
import { launch_chromium } from '@bt/test-support/chromium'
import type { ConsoleMessage } from 'playwright-core'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { connect_client, Sample, script_of, serve, start_server } from './sample_programs.ts'

/** Connects a client of ws. */
async function connect_ws_client(url: string, options: ClientOptions = {}): Promise<WebSocket> {
  const ws = new WebSocket(url, options)
  onTestFinished(() => ws.terminate())
  await once(ws, 'open')
  return ws
}

/** Connects a Socket.IO client over WebSocket. `error` is the reason if that fails. */
async function connect_io_client(
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
  it('both.ts serves ws and @bt/net on one port, each at its path, and ends other upgrades', async () => {
    const { address } = await serve('from_ws.md', 'both.ts')
    const old = await connect_ws_client(`ws://${address}/old?a=query`)
    old.send('hello')
    expect(String((await once(old, 'message'))[0])).toBe('old:hello')
    const { ws, next_message } = connect_client(`ws://${address}/ws`)
    ws.send('hello')
    expect(await next_message()).toBe('new:hello')
    await expect(connect_client(`ws://${address}/nothing`).ws.opened).rejects.toMatchObject({
      code: 'handshake_failed',
    })
    expect(await (await fetch(`http://${address}/`)).text()).toBe('a page')
  })

  it('a server without `binary` closes a client that sends a Buffer', async () => {
    const server = await start_server({})
    const old = await connect_ws_client(`ws://${server.addr}/ws`)
    old.send(Buffer.from('text'))
    expect((await once(old, 'close'))[0]).toBe(1003)
  })
})

describe('from_socket_io.md', () => {
  it('old_server.ts and new_server.ts both send a message to the others in the lobby', async () => {
    const old = await serve('from_socket_io.md', 'old_server.ts')
    const auth = { token: 'a-token' }
    const ada = await connect_io_client(old.address, { auth })
    const bob = await connect_io_client(old.address, { auth })
    const said = once(bob.socket as never, 'said')
    ada.socket.emit('say', 'hello')
    expect(await said).toEqual(['hello'])
    expect((await connect_io_client(old.address)).error).toBe('who are you?')

    const { address } = await serve('from_socket_io.md', 'new_server.ts')
    const url = `ws://${address}/ws`
    const [eve, kim] = [connect_client(`${url}?token=a-token`), connect_client(`${url}?token=a-token`)]
    await Promise.all([eve.ws.opened, kim.ws.opened])
    kim.ws.send('this is no JSON')
    eve.ws.send(JSON.stringify({ event: 'say', text: 'hello' }))
    expect(JSON.parse((await kim.next_message()) ?? '')).toEqual({ event: 'said', text: 'hello' })
    await expect(connect_client(url).ws.opened).rejects.toThrow(/401.*who are you/)
  })

  it('ask.ts gets the answer to its question', async () => {
    const { address } = await serve('from_socket_io.md', 'answer.ts')
    const client = new Sample('from_socket_io.md', 'ask.ts', address)
    expect(await client.all_written()).toBe('you asked: how are you?\n')
    expect((await client.exit).code).toBe(0)
  })

  it('ask.ts reports a question that failed because the connection was lost', async () => {
    const server = await start_server({ on_message: () => void server.close({ drain_ms: 0 }) })
    const client = new Sample('from_socket_io.md', 'ask.ts', server.addr)
    expect(await client.all_written()).toContain('the connection was lost: nobody knows whether it was done')
  })

  it('both.ts sends each message to the clients of both libraries, and ends other upgrades', async () => {
    const { address } = await serve('from_socket_io.md', 'both.ts')
    const { socket } = await connect_io_client(address)
    const { ws, next_message } = connect_client(`ws://${address}/ws`)
    await ws.opened
    const said = once(socket as never, 'said')
    ws.send('from the new')
    expect(await said).toEqual(['from the new'])
    expect(JSON.parse((await next_message()) ?? '')).toEqual({ event: 'said', text: 'from the new' })
    socket.emit('say', 'from the old')
    expect(JSON.parse((await next_message()) ?? '')).toEqual({ event: 'said', text: 'from the old' })
    await expect(connect_client(`ws://${address}/nothing`).ws.opened).rejects.toMatchObject({
      code: 'handshake_failed',
    })
  })

  it('a client of one library cannot talk to a server of the other', async () => {
    const { address } = await serve('from_socket_io.md', 'both.ts')
    const plain_client = connect_client(`ws://${address}/socket.io/?EIO=4&transport=websocket`)
    expect(await plain_client.next_message()).toMatch(/^0\{"sid":/)
    const server = await start_server({})
    const polling = await connect_io_client(server.addr, { transports: ['polling'] })
    expect(polling.error).toBe('xhr poll error')
    const waiting = await connect_io_client(server.addr, {
      path: '/ws',
      addTrailingSlash: false,
      timeout: 300,
    })
    expect(waiting.error).toBe('timeout')
  })
})

describe('from_browser_websocket.md', () => {
  it('old_page.ts and new_page.ts say hello, and reconnect after a restart of the server', async () => {
    const chromium = await launch_chromium()
    onTestFinished(() => chromium.close())
    const page = await chromium.newPage()
    const first = await start_server({
      origins: '*',
      on_message: (socket, data) => void socket.send(`echo:${data}`),
    })
    // Skips the browser's own messages about failed connections.
    const next_echo = (): Promise<ConsoleMessage> =>
      page.waitForEvent('console', message => message.text().startsWith('echo:'))
    const first_echo = next_echo()
    await page.addScriptTag({ content: script_of('from_browser_websocket.md', 'old_page.ts', first.addr) })
    expect((await first_echo).text()).toBe('echo:hello')

    const sample = new Sample('from_browser_websocket.md', 'new_page.ts', first.addr)
    await sample.says('echo:hello')

    const echo_after_restart = next_echo()
    first.close({ spread_ms: 1 })
    await first.closed
    await start_server({
      bind: first.addr,
      origins: '*',
      on_connect: socket => void socket.send('echo:again'),
    })
    expect((await echo_after_restart).text()).toBe('echo:again')
    await sample.says('echo:again')
  })

  it('in_node.ts prints a message and exits', async () => {
    const sample = new Sample('from_browser_websocket.md', 'in_node.ts')
    expect(await sample.all_written()).toBe('hello\n')
    expect((await sample.exit).code).toBe(0)
  })
})
