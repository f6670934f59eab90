import { once } from 'node:events'
import { type CloseInfo, connect, type WsClient } from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { Program } from './program.ts'

describe('the chat room', () => {
  let program: Program
  let url: string

  beforeEach(async () => {
    program = new Program('chat_room', { BIND: '127.0.0.1:0' })
    url = await program.url()
  })

  /** Connects, and returns the client and a function that reads its messages one by one. */
  function enter(query: string, key?: string): { client: WsClient; next: () => Promise<unknown> } {
    const protocols = key === undefined ? [] : ['chat', `key.${key}`]
    const client = connect({
      type: 'ws',
      url: `${url}?${query}`,
      protocols,
      reconnect: true,
      on_error: () => {},
    })
    onTestFinished(() => client[Symbol.asyncDispose]())
    const messages = client[Symbol.asyncIterator]()
    return { client, next: async () => JSON.parse((await messages.next()).value ?? 'null') }
  }

  it('sends arrivals, messages and departures to everybody in the room, and to no other room', async () => {
    const ada = enter('name=ada')
    expect(await ada.next()).toEqual({ type: 'welcome', people: ['ada'], recent: [] })
    const other = enter('name=ada&room=other')
    expect(await other.next()).toEqual({ type: 'welcome', people: ['ada'], recent: [] })
    const bob = enter('name=bob')
    expect(await bob.next()).toEqual({ type: 'welcome', people: ['ada', 'bob'], recent: [] })
    expect(await ada.next()).toEqual({ type: 'came', name: 'bob' })
    bob.client.send('{"text":"hello"}')
    const said = await ada.next()
    const [id, at_ms] = [expect.any(String), expect.any(Number)]
    expect(said).toEqual({ type: 'said', id, from: 'bob', text: 'hello', at_ms })
    expect(await bob.next()).toEqual(said)
    const late = enter('name=late')
    expect(await late.next()).toEqual({
      type: 'welcome',
      people: ['ada', 'bob', 'late'],
      recent: [said],
    })
    expect(await ada.next()).toEqual({ type: 'came', name: 'late' })
    bob.client.close()
    expect(await ada.next()).toEqual({ type: 'left', name: 'bob' })
    other.client.send('{"text":"alone"}')
    expect(await other.next()).toMatchObject({ type: 'said', text: 'alone' })
  })

  it('sends the last 50 messages to newcomers', async () => {
    const people = Array.from({ length: 10 }, (_, i) => enter(`name=p${i}`))
    for (const { client } of people) await client.opened
    for (let i = 0; i < 60; i += 1) people[i % 10]?.client.send(JSON.stringify({ text: `${i}` }))
    for (let said = 0; said < 60; ) {
      const message = (await people[0]?.next()) as { type: string }
      if (message.type === 'said') said += 1
    }
    const { recent } = (await enter('name=late').next()) as { recent: { text: string }[] }
    expect(recent).toHaveLength(50)
    expect(recent.filter(({ text }) => text === '59')).toHaveLength(1)
  })

  it.each([undefined, 'a-key-of-ada'])(
    'replaces the open connection of a person who connects again with key %s, and sends nothing to the others',
    async key => {
      const bob = enter('name=bob')
      await bob.next()
      const before = enter('name=ada', key)
      await before.next()
      expect(await bob.next()).toEqual({ type: 'came', name: 'ada' })
      const after = enter('name=ada', key)
      expect(await after.next()).toEqual({ type: 'welcome', people: ['bob', 'ada'], recent: [] })
      // The old client does not reconnect, so that two tabs do not close each other in turn.
      expect(await before.client.closed).toMatchObject({ code: 4403, cause: 'peer' })
      after.client.send('{"text":"still here"}')
      for (const { next } of [bob, after]) expect(await next()).toMatchObject({ text: 'still here' })
      after.client.close()
      expect(await bob.next()).toEqual({ type: 'left', name: 'ada' })
    },
  )

  it('reserves a name for the key of its owner, and refuses a missing name', async () => {
    const nameless = enter('room=lobby')
    await expect(nameless.client.opened).rejects.toMatchObject({ message: expect.stringContaining('400') })
    const ada = enter('name=ada', 'a-key-of-ada')
    await ada.next()
    for (const key of ['another', undefined]) {
      const lost = deferred<CloseInfo>()
      const eve = enter('name=ada', key)
      eve.client.on_reconnecting(({ info }) => lost.resolve(info))
      expect(await lost.promise).toMatchObject({ code: 4409, reason: 'there is a ada already' })
      eve.client.close()
    }
    ada.client.send('{"text":"still here"}')
    expect(await ada.next()).toMatchObject({ text: 'still here' })
  })

  it('limits a room to 100 people, but lets its members reconnect', async () => {
    const people = Array.from({ length: 100 }, (_, i) => enter(`name=p${i}`))
    for (const { next } of people) await next()
    const lost = deferred<CloseInfo>()
    enter('name=late').client.on_reconnecting(({ info }) => lost.resolve(info))
    expect(await lost.promise).toMatchObject({ code: 4429, reason: 'the room is full' })
    expect(await enter('name=p7').next()).toMatchObject({ type: 'welcome' })
  })

  it('answers an invalid message with `refused`, and keeps the socket open', async () => {
    const ada = enter('name=ada')
    await ada.next()
    const long = JSON.stringify({ text: 'x'.repeat(1_001) })
    for (const data of ['no JSON', '"hello"', 'null', '{"text":7}', '{"text":" "}', long]) {
      ada.client.send(data)
      expect(await ada.next(), data).toMatchObject({ type: 'refused' })
    }
    expect(ada.client.state).toBe('open')
  })

  it('closes a client that stops reading, and keeps serving the others', async () => {
    const unpaced = new Program('chat_room', { BIND: '127.0.0.1:0', PACE_MS: '0' })
    const unpaced_url = await unpaced.url()
    const stuck = new WebSocket(`${unpaced_url}?name=stuck`)
    onTestFinished(() => stuck.terminate())
    await once(stuck, 'open')
    stuck.pause()
    const has_left = deferred<string | undefined>()
    const talkers = ['a', 'b'].map(name => {
      const talk = (): unknown => client.send(JSON.stringify({ text: '€'.repeat(1_000) }))
      const client = connect({
        type: 'ws',
        url: `${unpaced_url}?name=${name}`,
        on_message: data => {
          const message = JSON.parse(data) as { type: string; name?: string; from?: string }
          if (message.type === 'left') has_left.resolve(message.name)
          else if (message.from === name) talk()
        },
      })
      talk()
      return client
    })
    expect(await has_left.promise).toBe('stuck')
    for (const { state } of talkers) expect(state).toBe('open')
    for (const client of talkers) await client[Symbol.asyncDispose]()
  })

  it('closes its clients with 1001 on a signal, and exits with 0', async () => {
    const ada = enter('name=ada')
    await ada.next()
    const lost = deferred<CloseInfo>()
    ada.client.on_reconnecting(({ info }) => lost.resolve(info))
    const ended = program.stop()
    expect(await lost.promise).toMatchObject({ code: 1001 })
    expect(await ended).toEqual({ code: 0, signal: null })
  })
})
