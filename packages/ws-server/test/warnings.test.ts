import { afterEach, expect, it, vi } from 'vitest'
import { RawClient } from './raw_client.js'
import { connect_client, start_open, stop_all } from './started_server.js'

const MESSAGES = 1_000
const HANDSHAKES = 20

const warnings: Error[] = []
const note = (warning: Error): unknown => warnings.push(warning)

afterEach(async () => {
  process.off('warning', note)
  vi.useRealTimers()
  await stop_all()
})

function fail(): never {
  throw new Error('no failure: a test throws this')
}

it('a flood of failing callbacks without on_error shows ten warnings, and counts the others', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  process.on('warning', note)
  for (const fails of [fail, async () => fail()]) {
    let received = 0
    let all_done = (): void => {}
    // The last callback: the peer's Close is answered while messages wait for theirs.
    const done = new Promise<void>(resolve => {
      all_done = resolve
    })
    const server = await start_open({
      on_close: () => all_done(),
      on_message: () => {
        received += 1
        return fails()
      },
    })
    const ws = await connect_client(server)
    for (let i = 0; i < MESSAGES; i += 1) ws.send('{')
    ws.close()
    await done
    expect(received).toBe(MESSAGES)
  }
  const server = await start_open({ authorize: fail })
  for (let i = 0; i < HANDSHAKES; i += 1)
    expect(await RawClient.ask(server.addr).until_ended()).toMatch('HTTP/1.1 500 ')
  expect(warnings).toHaveLength(11)
  expect(warnings.at(0)?.message).toContain('a test throws this')
  expect(warnings.at(-1)?.message).toContain('counted for a minute')
  vi.advanceTimersByTime(60_000)
  await new Promise(setImmediate)
  expect(warnings.slice(11).map(({ message }) => message)).toEqual([
    expect.stringMatching(new RegExp(` ${2 * MESSAGES + HANDSHAKES - 10}$`)),
  ])
  for (const warning of warnings) expect(warning).toMatchObject({ code: 'handler_failed' })
})
