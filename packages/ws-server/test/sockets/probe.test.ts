import { once } from 'node:events'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, describe, expect, it } from 'vitest'
import { type CloseInfo, probe } from '../../src/index.js'
import { connect_client, start_open, stop_all } from '../started_server.js'

afterEach(stop_all)

const ANSWERING = probe({ receive: 'ping', reply: 'pong' })

describe('a server with a probe', () => {
  it('answers the questions of its clients, and hides them from on_message', async () => {
    const received: string[] = []
    const { promise: all_received, resolve } = deferred()
    const server = await start_open({
      probe: ANSWERING,
      on_message: (_socket, data) => {
        if (received.push(data) === 2) resolve()
      },
    })
    const ws = await connect_client(server)
    const answers: string[] = []
    ws.on('message', data => answers.push(String(data)))
    for (const data of ['ping', 'news', 'ping', 'Ping']) ws.send(data)
    await all_received
    ws.close()
    await once(ws, 'close')
    expect(answers).toEqual(['pong', 'pong'])
    expect(received).toEqual(['news', 'Ping'])
  })

  it('answers while the callback of that socket is pending', async () => {
    const { promise: released, resolve: release } = deferred()
    const server = await start_open({ probe: ANSWERING, on_message: () => released })
    const ws = await connect_client(server)
    ws.send('takes long')
    ws.send('ping')
    const [answer] = await once(ws, 'message')
    expect(String(answer)).toBe('pong')
    release()
  })

  it('counts questions for messages_per_second, so that nobody can flood it with them', async () => {
    const server = await start_open({ probe: ANSWERING, messages_per_second: 1 })
    const ws = await connect_client(server)
    for (let i = 0; i < 3; i += 1) ws.send('ping')
    await once(ws, 'message')
    await once(ws, 'message')
    expect(server.stats().slowed).toBe(1)
    ws.terminate()
  })

  it('still pings its clients, unless it has a question of its own', async () => {
    const server = await start_open({ heartbeat: 50, probe: ANSWERING })
    const ws = await connect_client(server)
    await once(ws, 'ping')
    const { promise: ended, resolve } = deferred<CloseInfo>()
    const asking = await start_open({
      heartbeat: 50,
      probe: probe({ send: 'are you there?', expect: 'yes' }),
      on_close: (_socket, info) => resolve(info),
    })
    const asked = await connect_client(asking)
    const [question] = await once(asked, 'message')
    expect(String(question)).toBe('are you there?')
    expect(await ended).toMatchObject({ cause: 'heartbeat' })
  })
})
