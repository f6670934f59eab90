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
  function come_in(query: string, key?: string): { client: WsClient; next: () => Promise<unknown> } {
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

  it('tells everybody in a room who comes, what is said and who leaves, and nobody in another', async () => {
    const ada = come_in('name=ada')
    expect(await ada.next()).toEqual({ type: 'welcome', people: ['ada'], recent: [] })
    const other = come_in('name=ada&room=other')
    expect(await other.next()).toEqual({ type: 'welcome', people: ['ada'], recent: [] })
    const bob = come_in('name=bob')
    expect(await bob.next()).toEqual({ type: 'welcome', people: ['ada', 'bob'], recent: [] })
    expect(await ada.next()).toEqual({ type: 'came', name: 'bob' })
    bob.client.send('{"text":"hello"}')
    const said = await ada.next()
    const [id, at_ms] = [expect.any(String), expect.any(Number)]
    expect(said).toEqual({ type: 'said', id, from: 'bob', text: 'hello', at_ms })
    expect(await bob.next()).toEqual(said)
    const late = come_in('name=late')
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

  it('shows newcomers the last 50 things that were said', async () => {
    const people = Array.from({ length: 10 }, (_, i) => come_in(`name=p${i}`))
    for (const { client } of people) await client.opened
    for (let i = 0; i < 60; i += 1) people[i % 10]?.client.send(JSON.stringify({ text: `${i}` }))
    for (let said = 0; said < 60; ) {
      const told = (await people[0]?.next()) as { type: string }
      if (told.type === 'said') said += 1
    }
    const { recent } = (await come_in('name=late').next()) as { recent: { text: string }[] }
    expect(recent).toHaveLength(50)
    expect(recent.filter(({ text }) => text === '59')).toHaveLength(1)
  })

  it.each([undefined, 'a-key-of-ada'])(
    'lets a person back in while the old connection is still open, closes that for good, and bothers nobody, with the key %s',
    async key => {
      const bob = come_in('name=bob')
      await bob.next()
      const before = come_in('name=ada', key)
      await before.next()
      expect(await bob.next()).toEqual({ type: 'came', name: 'ada' })
      const after = come_in('name=ada', key)
      expect(await after.next()).toEqual({ type: 'welcome', people: ['bob', 'ada'], recent: [] })
      // Though it has `reconnect`, so that two tabs do not close each other in turn.
      expect(await before.client.closed).toMatchObject({ code: 4403, cause: 'peer' })
      after.client.send('{"text":"still here"}')
      for (const { next } of [bob, after]) expect(await next()).toMatchObject({ text: 'still here' })
      after.client.close()
      expect(await bob.next()).toEqual({ type: 'left', name: 'ada' })
    },
  )

  it('keeps a name for the key that it came with, and refuses names that are none', async () => {
    const nameless = come_in('room=lobby')
    await expect(nameless.client.opened).rejects.toMatchObject({ message: expect.stringContaining('400') })
    const ada = come_in('name=ada', 'a-key-of-ada')
    await ada.next()
    for (const key of ['another', undefined]) {
      const lost = deferred<CloseInfo>()
      const eve = come_in('name=ada', key)
      eve.client.on_reconnecting(({ info }) => lost.resolve(info))
      expect(await lost.promise).toMatchObject({ code: 4409, reason: 'there is a ada already' })
      eve.client.close()
    }
    ada.client.send('{"text":"still here"}')
    expect(await ada.next()).toMatchObject({ text: 'still here' })
  })

  it('holds 100 people in a room, and lets those back in who are there', async () => {
    const people = Array.from({ length: 100 }, (_, i) => come_in(`name=p${i}`))
    for (const { next } of people) await next()
    const lost = deferred<CloseInfo>()
    come_in('name=late').client.on_reconnecting(({ info }) => lost.resolve(info))
    expect(await lost.promise).toMatchObject({ code: 4429, reason: 'the room is full' })
    expect(await come_in('name=p7').next()).toMatchObject({ type: 'welcome' })
  })

  it('answers what is no message with what it takes, and stays open', async () => {
    const ada = come_in('name=ada')
    await ada.next()
    const long = JSON.stringify({ text: 'x'.repeat(1_001) })
    for (const data of ['no JSON', '"hello"', 'null', '{"text":7}', '{"text":" "}', long]) {
      ada.client.send(data)
      expect(await ada.next(), data).toMatchObject({ type: 'refused' })
    }
    expect(ada.client.state).toBe('open')
  })

  it('closes on who takes nothing any more, and goes on for the others', async () => {
    const quick = new Program('chat_room', { BIND: '127.0.0.1:0', PACE_MS: '0' })
    const quick_url = await quick.url()
    const stuck = new WebSocket(`${quick_url}?name=stuck`)
    onTestFinished(() => stuck.terminate())
    await once(stuck, 'open')
    stuck.pause()
    const has_left = deferred<string | undefined>()
    const talkers = ['a', 'b'].map(name => {
      const talk = (): unknown => client.send(JSON.stringify({ text: '€'.repeat(1_000) }))
      const client = connect({
        type: 'ws',
        url: `${quick_url}?name=${name}`,
        on_message: data => {
          const told = JSON.parse(data) as { type: string; name?: string; from?: string }
          if (told.type === 'left') has_left.resolve(told.name)
          else if (told.from === name) talk()
        },
      })
      talk()
      return client
    })
    expect(await has_left.promise).toBe('stuck')
    for (const { state } of talkers) expect(state).toBe('open')
    for (const client of talkers) await client[Symbol.asyncDispose]()
  })

  it('tells its clients that it ends, and exits with 0', async () => {
    const ada = come_in('name=ada')
    await ada.next()
    const lost = deferred<CloseInfo>()
    ada.client.on_reconnecting(({ info }) => lost.resolve(info))
    const ended = program.stop()
    expect(await lost.promise).toMatchObject({ code: 1001 })
    expect(await ended).toEqual({ code: 0, signal: null })
  })
})
