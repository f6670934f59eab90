// Tests of `tested_chat.ts` without a network and without waiting, with vitest.
import {
  connect,
  listen,
  type WsClient,
  type WsConnectOptions,
  type WsServer,
  type WsServerError,
} from '@bt/net'
import { type MemoryNetwork, memory_network } from '@bt/net/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ChatSettings, chat_options, type Person } from './tested_chat.js'

const BIND = '127.0.0.1:8081'

let network: MemoryNetwork
let server: WsServer<Person>
let errors: WsServerError<Person>[]

/** Starts the chat. */
async function start(settings: ChatSettings = {}): Promise<void> {
  const on_error = (err: WsServerError<Person>): void => void errors.push(err)
  server = listen({ type: 'mem', network, bind: BIND, ...chat_options({ on_error, ...settings }) })
  await server.opened
}

/** A client with what it has received. */
interface Guest {
  readonly ws: WsClient
  readonly received: unknown[]
}

/** Connects, and waits until the server has answered. */
async function enter(query: string, options: Partial<WsConnectOptions> = {}): Promise<Guest> {
  const received: unknown[] = []
  const url = `ws://${BIND}/chat?${query}`
  const ws = connect({ type: 'mem', network, url, on_error: () => {}, ...options })
  ws.on_message(data => received.push(JSON.parse(data)))
  await network.settled()
  return { ws, received }
}

beforeEach(() => {
  network = memory_network({ manual_clock: true })
  errors = []
})

afterEach(async () => {
  server.close({ now: true })
  await server.closed
})

describe('entering', () => {
  beforeEach(() => start())

  it('shows who is there', async () => {
    await enter('token=ada')
    const bob = await enter('token=bob')
    expect(bob.received).toEqual([{ people: ['ada', 'bob'] }])
  })

  it('is announced to the others', async () => {
    const ada = await enter('token=ada')
    await enter('token=bob')
    expect(ada.received).toEqual([{ people: ['ada'] }, { came: 'bob' }])
  })

  it('leads into the lobby, or into a room of its own', async () => {
    const ada = await enter('token=ada')
    await enter('token=bob&room=garden')
    expect(ada.received).toEqual([{ people: ['ada'] }])
    expect([...server.sockets].map(({ data }) => data.room)).toEqual(['lobby', 'garden'])
  })

  it.each(['token=a%20b', 'token=ada&room=', `token=${'a'.repeat(21)}`])(
    'is refused with an invalid name or room: %s',
    async query => {
      const { ws } = await enter(query)
      await expect(ws.opened).rejects.toMatchObject({ code: 'handshake_refused', cause: { status: 400 } })
    },
  )

  it('is not possible at another path', async () => {
    const ws = connect({ type: 'mem', network, url: `ws://${BIND}/other`, on_error: () => {} })
    await expect(ws.opened).rejects.toMatchObject({ cause: { status: 404 } })
  })
})

describe('signing in', () => {
  it('gives the person the name of the token', async () => {
    await start({ find_name: async token => (token === 's3cret' ? 'ada' : undefined) })
    const { received } = await enter('token=s3cret')
    expect(received).toEqual([{ people: ['ada'] }])
  })

  it('refuses a program with 401', async () => {
    await start({ find_name: async () => undefined })
    const { ws } = await enter('token=x')
    await expect(ws.opened).rejects.toMatchObject({ cause: { status: 401 } })
    expect(server.stats().refused.unauthorized).toBe(1)
  })

  it('closes a page with 4401, because it sees no status', async () => {
    await start({ find_name: async () => undefined })
    const { ws } = await enter('token=x', { headers: { Origin: `http://${BIND}` } })
    expect(await ws.closed).toMatchObject({ code: 4401, reason: 'sign in first', cause: 'peer' })
    expect(server.stats().accepted).toBe(0)
  })

  it('takes no longer than handshake_timeout', async () => {
    await start({ find_name: () => new Promise(() => {}) })
    const { ws } = await enter('token=x', { connect_timeout: 60_000 })
    await network.advance(11_000)
    await expect(ws.opened).rejects.toMatchObject({ cause: { status: 503 } })
  })
})

describe('talking', () => {
  it('reaches everybody in the room, the sender too', async () => {
    await start()
    const [ada, bob] = [await enter('token=ada'), await enter('token=bob')]
    bob.ws.send('hello')
    await network.settled()
    expect(ada.received.at(-1)).toEqual({ from: 'bob', text: 'hello' })
    expect(bob.received.at(-1)).toEqual({ from: 'bob', text: 'hello' })
  })

  it('ends with 4413 for a text that is too long', async () => {
    await start()
    const { ws } = await enter('token=ada')
    ws.send('x'.repeat(501))
    expect(await ws.closed).toMatchObject({ code: 4413, clean: true })
  })

  it('ignores empty texts', async () => {
    await start()
    const ada = await enter('token=ada')
    ada.ws.send(' ')
    await network.settled()
    expect(ada.received).toHaveLength(1)
  })

  it('stores messages in order, one at a time', async () => {
    const stored: string[] = []
    const waiting: (() => void)[] = []
    await start({
      store: async (_room, text) => {
        stored.push(text)
        await new Promise<void>(resolve => waiting.push(resolve))
      },
    })
    const { ws } = await enter('token=ada')
    ws.send('one')
    ws.send('two')
    await network.settled()
    expect(stored).toEqual(['one'])
    waiting.shift()?.()
    await network.settled()
    expect(stored).toEqual(['one', 'two'])
  })

  it('reports a store that fails, with its socket, and goes on', async () => {
    let is_broken = true
    await start({
      store: async () => {
        if (is_broken) throw new Error('disk full')
      },
    })
    const ada = await enter('token=ada')
    ada.ws.send('one')
    await network.settled()
    expect(errors.map(({ code, socket }) => [code, socket?.data.name])).toEqual([['handler_failed', 'ada']])
    is_broken = false
    ada.ws.send('two')
    await network.settled()
    expect(ada.received.at(-1)).toEqual({ from: 'ada', text: 'two' })
  })

  it('reports a store that never settles after 30 seconds, if messages wait for it', async () => {
    await start({ store: () => new Promise(() => {}) })
    const { ws } = await enter('token=ada')
    ws.send('one')
    ws.send('two')
    await network.advance(35_000)
    expect(errors.map(({ code }) => code)).toEqual(['callback_pending'])
  })
})

describe('leaving', () => {
  it('is announced while a callback of the person is still running', async () => {
    await start({ store: () => new Promise(() => {}) })
    const [ada, bob] = [await enter('token=ada'), await enter('token=bob')]
    bob.ws.send('hello')
    await network.settled()
    bob.ws.close()
    await network.settled()
    expect(ada.received.at(-1)).toEqual({ left: 'bob' })
  })

  it('is announced when the connection is cut', async () => {
    await start()
    const [ada, bob] = [await enter('token=ada'), await enter('token=bob')]
    network.link(bob.ws).cut()
    await network.settled()
    expect(ada.received.at(-1)).toEqual({ left: 'bob' })
  })

  it('is announced after twice the heartbeat if the machine of the person lost its power', async () => {
    await start()
    const [ada, bob] = [await enter('token=ada'), await enter('token=bob')]
    network.link(bob.ws).cut('client')
    await network.advance(15_000)
    expect(ada.received.at(-1)).toEqual({ came: 'bob' })
    await network.advance(10_000)
    expect(ada.received.at(-1)).toEqual({ left: 'bob' })
  })
})

describe('a restart of the server', () => {
  it('brings back the people, who connect again', async () => {
    await start()
    const ada = await enter('token=ada', { reconnect: true })
    server.close()
    await server.closed
    await network.settled()
    expect(ada.ws.state).toBe('reconnecting')
    await start()
    await network.advance(20_000)
    expect(ada.ws.state).toBe('open')
    expect(ada.received).toEqual([{ people: ['ada'] }, { people: ['ada'] }])
  })

  it('delivers what a person wrote meanwhile', async () => {
    await start()
    const ada = await enter('token=ada', { reconnect: true })
    network.stop()
    await network.settled()
    ada.ws.send('still here')
    network.restart()
    await network.advance(20_000)
    expect(ada.received.at(-1)).toEqual({ from: 'ada', text: 'still here' })
  })
})
