import { describe_with } from '@bt/test-support/installed'
import { afterAll, expect, it } from 'vitest'
import { describe_exchanges } from './describe_exchanges.ts'
import { open_to_our_server } from './pair.ts'
import { PeerProgram } from './peer_program.ts'
import { python_tornado_client, python_tornado_server } from './peers.ts'
import { DIRECT } from './server_access.ts'

const { installed, args } = python_tornado_client()

describe_exchanges(python_tornado_client())
describe_exchanges(python_tornado_server())

describe_with(installed, "Tornado's client, which keeps its context though our server rules that out", () => {
  const program = new PeerProgram(installed.command, args, DIRECT.peer_env())
  afterAll(() => program.kill())

  it('is closed with 1007 when a message refers to an earlier one', async () => {
    const pair = await open_to_our_server(program, { compression: true }, DIRECT)
    const text = 'again and again. '.repeat(20)
    pair.peer.send(text)
    expect(await pair.ours.messages.next()).toBe(text)
    pair.peer.send(text)
    expect(await pair.ours.closed).toMatchObject({ code: 1007, cause: 'protocol' })
    expect(pair.ours.errors).toEqual(['protocol_error'])
    await pair.end()
  })
})
