import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, describe, expect, it } from 'vitest'
import * as net from '../src/index.js'

const to_close: { [Symbol.asyncDispose](): Promise<void> }[] = []

function listen(options: Partial<net.WsListenOptions> = {}): net.WsServer {
  const server = net.listen({ type: 'ws', bind: '127.0.0.1:0', ...options })
  to_close.push(server)
  return server
}

function connect(server: net.WsServer, options: Partial<net.WsConnectOptions> = {}): net.WsClient {
  const ws = net.connect({ type: 'ws', url: `ws://${server.addr}/ws`, ...options })
  to_close.unshift(ws)
  return ws
}

afterEach(async () => {
  for (const closing of to_close.splice(0)) await closing[Symbol.asyncDispose]()
})

describe('net.listen 参数', () => {
  it('type: 固定为 ws', () => {
    expect(listen({ type: 'ws' }).type).toBe('ws')
    expect(() => listen({ type: 'tcp' as 'ws' })).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringContaining("known types are 'ws'"),
      }),
    )
  })

  it('bind: 监听地址,格式为 host:port', async () => {
    const server = listen({ bind: '127.0.0.1:0' })
    await server.opened
    expect(server.addr).toMatch(/^127\.0\.0\.1:\d+$/)
    await connect(server).opened
  })

  it('route: WebSocket 握手路径,默认值 /ws', async () => {
    const [by_default, chosen] = [listen(), listen({ route: '/chat' })]
    await Promise.all([by_default.opened, chosen.opened])
    await connect(by_default, { url: `ws://${by_default.addr}/ws` }).opened
    await connect(chosen, { url: `ws://${chosen.addr}/chat` }).opened
  })

  it('route: 路径不匹配会返回 404', async () => {
    const server = listen()
    await server.opened
    const [response] = (await once(get(`http://${server.addr}/ws/`), 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(404)
    response.resume()
    const errors = deferred<net.NetError>()
    connect(server, { url: `ws://${server.addr}/other`, on_error: errors.resolve })
    expect(await errors.promise).toMatchObject({
      code: 'handshake_refused',
      message: expect.stringContaining('404'),
    })
  })

  it('on_connect: 客户端连接后调用,参数为 socket', async () => {
    const connected = deferred<net.WsSocket>()
    const server = listen({ on_connect: connected.resolve })
    await server.opened
    connect(server)
    expect((await connected.promise).type).toBe('ws')
  })

  it('on_message: 收到消息后调用,参数为 socket, data', async () => {
    const message = deferred<[net.WsSocket, string]>()
    const server = listen({ on_message: (socket, data) => message.resolve([socket, data]) })
    await server.opened
    connect(server).send('hello')
    const [socket, data] = await message.promise
    expect(socket).toBe([...server.sockets][0])
    expect(data).toBe('hello')
  })

  it('on_close: 连接关闭后调用,参数为 socket', async () => {
    const closed = deferred<net.WsSocket>()
    const server = listen({ on_close: closed.resolve })
    await server.opened
    const ws = connect(server)
    await ws.opened
    const [socket] = server.sockets
    ws.close()
    expect(await closed.promise).toBe(socket)
  })

  it('on_error: 后台任务出错时调用,参数为 err', async () => {
    const failed = deferred<net.WsServerError>()
    const server = listen({
      on_connect: () => {
        throw new Error('boom')
      },
      on_error: failed.resolve,
    })
    await server.opened
    await connect(server).opened
    expect(await failed.promise).toMatchObject({ code: 'handler_failed', cause: { message: 'boom' } })
  })
})

describe('WsServer', () => {
  it('addr: 服务监听地址', async () => {
    const server = listen()
    await server.opened
    expect(server.addr).toMatch(/^127\.0\.0\.1:[1-9]\d*$/)
  })

  it('type: 固定为 ws', () => {
    expect(listen().type).toBe('ws')
  })

  it('close(): 关闭服务,返回 true', async () => {
    const server = listen()
    await server.opened
    const ws = connect(server)
    await ws.opened
    expect(server.close()).toBe(true)
    await expect(ws.closed).resolves.toMatchObject({ code: 1001 })
    await server.closed
    const errors = deferred<net.NetError>()
    connect(server, { on_error: errors.resolve })
    expect((await errors.promise).code).toBe('connection_refused')
  })
})

describe('WsSocket', () => {
  async function connected(): Promise<{ socket: net.WsSocket; ws: net.WsClient; received: Promise<string> }> {
    const socket = deferred<net.WsSocket>()
    const received = deferred<string>()
    const server = listen({ on_connect: socket.resolve })
    await server.opened
    const ws = connect(server, { on_message: received.resolve })
    return { socket: await socket.promise, ws, received: received.promise }
  }

  it('addr: 客户端远端地址', async () => {
    const { socket } = await connected()
    expect(socket.addr).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  it('type: 固定为 ws', async () => {
    const { socket } = await connected()
    expect(socket.type).toBe('ws')
  })

  it('send(data): 发送文本消息,成功返回 true', async () => {
    const { socket, received } = await connected()
    expect(socket.send('你好')).toBe(true)
    expect(await received).toBe('你好')
  })

  it('write(data): 等同于 send(data)', async () => {
    const { socket, received } = await connected()
    expect(socket.write('你好')).toBe(true)
    expect(await received).toBe('你好')
  })

  it('close(): 关闭连接,返回 true', async () => {
    const { socket, ws } = await connected()
    expect(socket.close()).toBe(true)
    await expect(ws.closed).resolves.toMatchObject({ code: 1000, cause: 'peer', clean: true })
    expect(socket.close()).toBe(true)
  })

  it('send(): 内部使用有界队列,队列满时会返回错误', async () => {
    const socket = deferred<net.WsSocket>()
    const server = listen({ on_connect: socket.resolve, max_queue: 1_000, on_error: () => {} })
    await server.opened
    await connect(server).opened
    const sender = await socket.promise
    let result = sender.send('x'.repeat(900))
    // The client can't read before this turn ends: at some time the kernel has enough, and the queue fills.
    while (result === true) result = sender.send('x'.repeat(900))
    expect(result).toBeInstanceOf(net.NetError)
    expect(result).toMatchObject({ code: 'queue_full' })
  })

  it('没有 read() 方法,接收消息必须使用 on_message', async () => {
    const { socket, ws } = await connected()
    expect('read' in socket).toBe(false)
    expect('read' in ws).toBe(false)
  })
})

describe('net.connect 客户端对象', () => {
  async function echo(): Promise<net.WsServer> {
    const server = listen({ on_message: (socket, data) => socket.send(`echo:${data}`) })
    await server.opened
    return server
  }

  it('addr: 连接 URL', async () => {
    const server = await echo()
    expect(connect(server).addr).toBe(`ws://${server.addr}/ws`)
  })

  it('type: 固定为 ws', async () => {
    expect(connect(await echo()).type).toBe('ws')
  })

  it('send(data): 发送文本消息,成功返回 true', async () => {
    const received = deferred<string>()
    const ws = connect(await echo(), { on_message: received.resolve })
    expect(ws.send('hello')).toBe(true)
    expect(await received.promise).toBe('echo:hello')
  })

  it('write(data): 等同于 send(data)', async () => {
    const received = deferred<string>()
    const ws = connect(await echo(), { on_message: received.resolve })
    expect(ws.write('hello')).toBe(true)
    expect(await received.promise).toBe('echo:hello')
  })

  it('close(): 关闭连接,返回 true', async () => {
    const ws = connect(await echo())
    await ws.opened
    expect(ws.close()).toBe(true)
    await expect(ws.closed).resolves.toMatchObject({ code: 1000, cause: 'local', clean: true })
  })

  it('on_message(fn): 注册消息回调,回调参数为 data', async () => {
    const received = deferred<string>()
    const ws = connect(await echo())
    ws.on_message(received.resolve)
    ws.send('hello')
    expect(await received.promise).toBe('echo:hello')
  })

  it('on_close(fn): 注册关闭回调', async () => {
    const closed = deferred<net.CloseInfo>()
    const ws = connect(await echo())
    ws.on_close(closed.resolve)
    await ws.opened
    ws.close()
    expect(await closed.promise).toMatchObject({ code: 1000 })
  })

  it('on_error(fn): 注册错误回调,回调参数为 err', async () => {
    const server = await echo()
    await server[Symbol.asyncDispose]()
    const failed = deferred<net.NetError>()
    const ws = connect(server)
    ws.on_error(failed.resolve)
    expect(await failed.promise).toBeInstanceOf(net.NetError)
  })

  it('ws:// 明文连接; other schemes are told so', async () => {
    expect(() => net.connect({ type: 'ws', url: 'http://127.0.0.1/ws' })).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringContaining("'ws://127.0.0.1:8081/ws'"),
      }),
    )
  })
})
