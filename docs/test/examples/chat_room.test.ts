import { connect, type WsClient } from '@bt/net'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { defer } from './deferred.ts'
import { Program } from './program.ts'

describe('the chat room', () => {
  let program: Program
  let url: string

  beforeEach(async () => {
    program = new Program('chat_room', { BIND: '127.0.0.1:0' })
    url = await program.url()
  })

  /** Comes in, and returns the client and what reads the messages that it is sent, one by one. */
  function come_in(query: string): { client: WsClient; next: () => Promise<unknown> } {
    const client = connect({ type: 'ws', url: `${url}?${query}`, on_error: () => {} })
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
    const said = { type: 'said', from: 'bob', text: 'hello', at_ms: expect.any(Number) }
    expect(await ada.next()).toEqual(said)
    expect(await bob.next()).toEqual(said)
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

  it('refuses names that are none, closes on one that is taken, and keeps those who are there', async () => {
    const nameless = come_in('room=lobby')
    await expect(nameless.client.opened).rejects.toMatchObject({ message: expect.stringContaining('400') })
    const ada = come_in('name=ada')
    await ada.next()
    const second = come_in('name=ada')
    expect(await second.client.closed).toMatchObject({ code: 4409, reason: 'there is a ada already' })
    ada.client.send('{"text":"still here"}')
    expect(await ada.next()).toMatchObject({ text: 'still here' })
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
    const is_let_go = defer()
    const stuck = connect({
      type: 'ws',
      url: `${quick_url}?name=stuck`,
      on_message: () => is_let_go.promise,
      on_error: () => {},
    })
    await stuck.opened
    const has_left = defer<string | undefined>()
    const talkers = ['a', 'b', 'c', 'd'].map(name => {
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
    is_let_go.resolve()
    for (const client of [...talkers, stuck]) await client[Symbol.asyncDispose]()
  })

  it('tells its clients that it ends, and exits with 0', async () => {
    const ada = come_in('name=ada')
    await ada.next()
    const ended = program.stop()
    expect(await ada.client.closed).toMatchObject({ code: 1001 })
    expect(await ended).toEqual({ code: 0, signal: null })
  })
})
