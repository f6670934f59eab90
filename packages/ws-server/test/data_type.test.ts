import type { createServer as create_http } from 'node:http'
import type { createSecureServer } from 'node:http2'
import type { createServer as create_https } from 'node:https'
import { afterEach, describe, expectTypeOf, it } from 'vitest'
import {
  type AbortSignalLike,
  type AuthorizeRequest,
  accept,
  type HttpServerLike,
  listen,
  refuse,
  type WsListenOptions,
  type WsServer,
  type WsSocket,
} from '../src/index.js'

const BIND = '127.0.0.1:0'
const started: Pick<WsServer, 'close' | 'closed'>[] = []

afterEach(async () => {
  for (const server of started.splice(0)) {
    server.close()
    await server.closed
  }
})

describe('the type of socket.data', () => {
  it('is the type that an async authorize resolves with, in every callback and in sockets', () => {
    const server = listen({
      type: 'ws',
      bind: BIND,
      authorize: async request => {
        expectTypeOf(request).toEqualTypeOf<AuthorizeRequest>()
        if (request.headers.cookie === undefined) return refuse(401, 'no cookie')
        return { user: 'x' }
      },
      on_connect: socket => {
        expectTypeOf(socket.data).toEqualTypeOf<{ user: string }>()
      },
      on_message: (socket, data) => {
        expectTypeOf(socket.data.user).toBeString()
        expectTypeOf(data).toBeString()
      },
      on_close: socket => {
        expectTypeOf(socket).toEqualTypeOf<WsSocket<{ user: string }>>()
      },
    })
    started.push(server)
    expectTypeOf(server).toEqualTypeOf<WsServer<{ user: string }>>()
    expectTypeOf(server.sockets).toEqualTypeOf<ReadonlySet<WsSocket<{ user: string }>>>()
  })

  it('is the type that a synchronous authorize returns, with binary', () => {
    const server = listen({
      type: 'ws',
      bind: BIND,
      binary: true,
      authorize: ({ query }) => Number(query.get('n') ?? refuse(400, 'no n')),
      on_message: (socket, data) => {
        expectTypeOf(socket.data).toBeNumber()
        expectTypeOf(data).toEqualTypeOf<string | Uint8Array>()
      },
    })
    started.push(server)
    expectTypeOf(server).toEqualTypeOf<WsServer<number>>()
  })

  it('is the type of the data that authorize passes to accept', () => {
    const server = listen({
      type: 'ws',
      bind: BIND,
      authorize: () => accept({ user: 'x' }, { headers: { A: 'b' } }),
      on_connect: socket => {
        expectTypeOf(socket.data).toEqualTypeOf<{ user: string }>()
      },
    })
    started.push(server)
    expectTypeOf(server).toEqualTypeOf<WsServer<{ user: string }>>()
  })

  it('is one type if an async authorize returns data, or accept, or refuse', () => {
    const server = listen({
      type: 'ws',
      bind: BIND,
      authorize: async ({ query }) => {
        if (query.has('no')) return refuse(401, 'no')
        const data = { user: 'x', headers: 1 }
        return query.has('new') ? accept(data, { headers: { 'Set-Cookie': ['a=1', 'b=2'] } }) : data
      },
      on_connect: socket => {
        expectTypeOf(socket.data).toEqualTypeOf<{ user: string; headers: number }>()
      },
    })
    started.push(server)
    expectTypeOf(server).toEqualTypeOf<WsServer<{ user: string; headers: number }>>()
  })

  it('is that of an object with members named data and headers, if authorize returns one', () => {
    const server = listen({
      type: 'ws',
      bind: BIND,
      authorize: () => ({ data: 1, headers: { a: 'b' } }),
    })
    started.push(server)
    expectTypeOf(server).toEqualTypeOf<WsServer<{ data: number; headers: { a: string } }>>()
  })

  it('is undefined without authorize', () => {
    const server = listen({
      type: 'ws',
      bind: BIND,
      on_connect: socket => {
        expectTypeOf(socket.data).toBeUndefined()
      },
    })
    started.push(server)
    expectTypeOf(server).toEqualTypeOf<WsServer<undefined>>()
  })

  it('may be given explicitly, or left open', () => {
    const server = listen<{ user: string }>({
      type: 'ws',
      bind: BIND,
      on_connect: socket => {
        expectTypeOf(socket.data.user).toBeString()
      },
      authorize: () => ({ user: 'x' }),
    })
    started.push(server)
    expectTypeOf(server).toExtend<WsServer>()
    expectTypeOf<WsSocket<{ user: string }>>().toExtend<WsSocket>()
    const options: WsListenOptions = { type: 'ws', bind: BIND, authorize: () => 'anything' }
    expectTypeOf(listen).toBeCallableWith(options)
  })
})

describe('the type of the option server', () => {
  it('is that of every server of Node that takes HTTP/1', () => {
    expectTypeOf<ReturnType<typeof create_http>>().toExtend<HttpServerLike>()
    expectTypeOf<ReturnType<typeof create_https>>().toExtend<HttpServerLike>()
    expectTypeOf<ReturnType<typeof createSecureServer>>().toExtend<HttpServerLike>()
  })
})

describe('the signal of authorize', () => {
  it('is the platform’s own', () => {
    expectTypeOf<AuthorizeRequest['signal']>().toEqualTypeOf<AbortSignal>()
    expectTypeOf<AuthorizeRequest['signal']>().toExtend<AbortSignalLike>()
  })
})
