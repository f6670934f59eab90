import { once } from 'node:events'
import { createConnection } from 'node:net'
import { connect, type WsClient } from '@bt/net'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { Program } from './program.ts'

describe.each(['with_express', 'with_fastify'])('%s, on one port', name => {
  let program: Program
  let url: string

  beforeEach(async () => {
    program = new Program(name, { PORT: '0' })
    url = await program.url()
  })

  function post(body: string): Promise<Response> {
    return fetch(`${url}/notes`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  }

  function connect_live(path = '/live'): WsClient {
    const client = connect({ type: 'ws', url: url.replace('http', 'ws') + path, on_error: () => {} })
    onTestFinished(() => client[Symbol.asyncDispose]())
    return client
  }

  it('sends a posted note to all connected clients, and returns it to later requests', async () => {
    const clients = [connect_live(), connect_live()]
    for (const client of clients) await client.opened
    const answer = await post('{"text":"hello"}')
    expect([answer.status, await answer.json()]).toEqual([201, { id: 1, text: 'hello', reached: 2 }])
    for (const client of clients)
      expect(await client[Symbol.asyncIterator]().next()).toMatchObject({ value: '{"id":1,"text":"hello"}' })
    expect(await (await fetch(`${url}/notes`)).json()).toEqual([{ id: 1, text: 'hello' }])
  })

  it('answers an invalid note with 400, and sends it to no client', async () => {
    const client = connect_live()
    await client.opened
    const long = JSON.stringify({ text: 'x'.repeat(1_001) })
    for (const body of ['no JSON', '7', '{}', '{"text":[]}', '{"text":""}', long])
      expect((await post(body)).status, body).toBe(400)
    await post('{"text":"first"}')
    expect(await client[Symbol.asyncIterator]().next()).toMatchObject({ value: '{"id":1,"text":"first"}' })
  })

  it('keeps the last 100 notes', async () => {
    for (let i = 1; i <= 105; i += 1) await post(`{"text":"${i}"}`)
    const notes = (await (await fetch(`${url}/notes`)).json()) as { id: number }[]
    expect([notes.length, notes[0]?.id, notes.at(-1)?.id]).toEqual([100, 6, 105])
  })

  it('answers a handshake for another path with 404, and one of another origin with 403', async () => {
    const wrong_path = connect_live('/notes')
    await expect(wrong_path.opened).rejects.toMatchObject({ message: expect.stringContaining('404') })
    const foreign = connect({
      type: 'ws',
      url: `${url.replace('http', 'ws')}/live`,
      headers: { Origin: 'https://elsewhere.example' },
      on_error: () => {},
    })
    await expect(foreign.opened).rejects.toMatchObject({ message: expect.stringContaining('403') })
  })

  it('closes WebSockets and HTTP connections on a signal, and exits with 0', async () => {
    const client = connect_live()
    await client.opened
    // Neither a kept-alive HTTP connection nor one without a request delays the exit.
    await (await fetch(`${url}/notes`)).text()
    const idle = createConnection({ host: '127.0.0.1', port: Number(new URL(url).port) })
    onTestFinished(() => void idle.destroy())
    await once(idle, 'connect')
    const exit = program.stop()
    expect(await client.closed).toMatchObject({ code: 1001, clean: true })
    expect(await exit).toEqual({ code: 0, signal: null })
  })

  it('exits with EADDRINUSE if its port is taken', async () => {
    const second = new Program(name, { PORT: new URL(url).port })
    expect((await second.exit).code).toBe(1)
    expect(second.written).toContain('EADDRINUSE')
  })
})
