import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { NetError } from '../src/index.js'
import { connect_client, start, stop_all } from './started_server.js'

afterEach(stop_all)

describe('listen', () => {
  it('shows the text of bind until it listens, and then its address', async () => {
    const server = start()
    expect(server.addr).toBe('127.0.0.1:0')
    await server.opened
    expect(server.addr).toMatch(/^127\.0\.0\.1:[1-9]\d+$/)
    expect(server.type).toBe('ws')
  })

  it('listens on IPv6, in brackets', async () => {
    const server = start({ bind: '[::1]:0' })
    await server.opened
    expect(server.addr).toMatch(/^\[::1\]:[1-9]\d+$/)
    const ws = await connect_client(server)
    expect([...server.sockets][0]?.addr).toMatch(/^\[::1\]:\d+$/)
    ws.terminate()
  })

  it('listens on a host name', async () => {
    const server = start({ bind: 'localhost:0' })
    await server.opened
    expect(server.addr).toMatch(/:\d+$/)
  })

  it.skipIf(process.platform === 'win32')(
    'listens on a Unix socket, shows it as the address of its sockets, and removes it',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'bt-net-'))
      const path = join(folder, 'echo.sock')
      const server = start({ bind: `unix:${path}`, on_message: (socket, data) => socket.send(data) })
      await server.opened
      expect(server.addr).toBe(`unix:${path}`)
      const ws = await connect_client(server)
      expect([...server.sockets][0]?.addr).toBe(`unix:${path}`)
      ws.send('over a file')
      const [data] = await once(ws, 'message')
      expect(String(data)).toBe('over a file')
      ws.terminate()
      await server[Symbol.asyncDispose]()
      expect(existsSync(path)).toBe(false)
      rmSync(folder, { recursive: true })
    },
  )

  it('reports a port in use by another program to on_error and opened', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const errors: NetError[] = []
    const server = start({ bind: `127.0.0.1:${port}`, on_error: err => errors.push(err) })
    await expect(server.opened).rejects.toMatchObject({
      code: 'address_in_use',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
    await server.closed
    expect(errors.map(error => error.code)).toEqual(['address_in_use'])
    expect(server.addr).toBe(`127.0.0.1:${port}`)
    other.close()
  })

  it('reports a port in use by a server of the same process', async () => {
    const first = start()
    await first.opened
    const second = start({ bind: first.addr })
    await expect(second.opened).rejects.toMatchObject({ code: 'address_in_use' })
    await expect(connect_client(first)).resolves.toBeDefined()
  })

  it.each([
    ['192.0.2.1:0', 'address_unavailable', 'no such address'],
    // Without a network no DNS answers, which is another reason.
    ['no-such-host.invalid:0', 'address_unavailable', 'no such address|the DNS does not answer'],
    [`unix:${tmpdir()}/no/such/folder/x.sock`, 'permission_denied|address_unavailable', 'unix:'],
  ])('rejects opened if the machine has no %s', async (bind, code, said) => {
    const error = await start({ bind }).opened.catch(error => error)
    expect(error).toBeInstanceOf(NetError)
    expect(error.code).toMatch(new RegExp(`^(${code})$`))
    expect(error.message).toMatch(new RegExp(said))
  })

  it.skipIf(process.platform === 'win32')('explains what to do about an existing Unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bt-net-'))
    const bind = `unix:${join(folder, 'echo.sock')}`
    await start({ bind }).opened
    await expect(start({ bind }).opened).rejects.toMatchObject({
      code: 'address_in_use',
      message: expect.stringContaining('remove the file'),
    })
    await stop_all()
    rmSync(folder, { recursive: true })
  })

  it('rejects opened if it is closed before it listens', async () => {
    const server = start()
    expect(server.close()).toBe(true)
    await expect(server.opened).rejects.toMatchObject({ code: 'closed' })
    await server.closed
  })

  it('listens at the same address again, once the server before has closed', async () => {
    const first = start()
    await first.opened
    await first[Symbol.asyncDispose]()
    const second = start({ bind: first.addr })
    await second.opened
    expect(second.addr).toBe(first.addr)
  })
})

describe('signal', () => {
  it('closes the server when it is aborted', async () => {
    const controller = new AbortController()
    const server = start({ signal: controller.signal })
    await server.opened
    const ws = await connect_client(server)
    controller.abort()
    const [code] = await once(ws, 'close')
    expect(code).toBe(1001)
    await server.closed
  })

  it('that is aborted already prevents opening', async () => {
    const server = start({ signal: AbortSignal.abort() })
    await expect(server.opened).rejects.toMatchObject({ code: 'closed' })
    await server.closed
  })

  it('that is aborted already binds nothing, so the address may be in use', async () => {
    const other = start()
    await other.opened
    const errors: unknown[] = []
    const server = start({
      bind: other.addr,
      signal: AbortSignal.abort(),
      on_error: err => errors.push(err),
    })
    await expect(server.opened).rejects.toMatchObject({ code: 'closed' })
    await server.closed
    expect(errors).toEqual([])
  })

  it('is shared by many servers without a warning of a leak', async () => {
    const warnings: unknown[] = []
    const note = (warning: unknown): unknown => warnings.push(warning)
    process.on('warning', note)
    const controller = new AbortController()
    const servers = Array.from({ length: 12 }, () => start({ signal: controller.signal }))
    await Promise.all(servers.map(({ opened }) => opened))
    controller.abort()
    await Promise.all(servers.map(({ closed }) => closed))
    process.off('warning', note)
    expect(warnings).toEqual([])
  })

  it('has no listener left when the server has closed', async () => {
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const counting_signal = {
      aborted: false,
      addEventListener: (type: 'abort', listener: () => void) => {
        listeners += 1
        signal.addEventListener(type, listener)
      },
      removeEventListener: (type: 'abort', listener: () => void) => {
        listeners -= 1
        signal.removeEventListener(type, listener)
      },
    }
    const server = start({ signal: counting_signal })
    await server.opened
    expect(listeners).toBe(1)
    await server[Symbol.asyncDispose]()
    await Promise.resolve()
    expect(listeners).toBe(0)
  })
})

describe('without on_error', () => {
  it('a failed bind is an unhandled rejection', async () => {
    const other = start()
    await other.opened
    const rejections: unknown[] = []
    const listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    const rejected = new Promise(resolve => process.once('unhandledRejection', resolve))
    start({ bind: other.addr })
    rejections.push(await rejected)
    for (const listener of listeners) process.on('unhandledRejection', listener)
    expect(rejections).toMatchObject([{ code: 'address_in_use' }])
  })
})
