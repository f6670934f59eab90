import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { PingAnswers } from '../../src/node/ping_answers.js'

let acceptor: WebSocketServer | undefined

afterEach(() => {
  for (const ws of acceptor?.clients ?? []) ws.terminate()
  acceptor?.close()
})

/** Sends `count` numbered pings in one write, and gives back the answers up to that to the last of them. */
async function answers_to(count: number): Promise<number[]> {
  acceptor = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false })
  acceptor.on('connection', ws => {
    const answers = new PingAnswers(ws)
    ws.on('ping', payload => answers.answer(payload))
  })
  await once(acceptor, 'listening')
  const ws = new WebSocket(`ws://127.0.0.1:${(acceptor.address() as AddressInfo).port}`)
  const [[{ socket }]] = await Promise.all([once(ws, 'upgrade'), once(ws, 'open')])
  const answers: number[] = []
  const all = new Promise(resolve => {
    ws.on('pong', payload => {
      answers.push(payload.readUInt16BE())
      if (answers.at(-1) === count - 1) resolve(answers)
    })
  })
  // A zero mask leaves the payload as it is.
  const pings = Array.from({ length: count }, (_, index) => [
    0x89,
    0x82,
    0,
    0,
    0,
    0,
    index >> 8,
    index & 0xff,
  ])
  socket.write(Buffer.from(pings.flat()))
  await all
  return answers
}

const up_to = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

describe('PingAnswers', () => {
  it('answers each of 64 pings that come at once, in order', async () => {
    expect(await answers_to(64)).toEqual(up_to(64))
  })

  it('answers the first 64 of a flood and its last ping, and keeps the connection', async () => {
    expect(await answers_to(1_000)).toEqual([...up_to(64), 999])
  })
})
