import { describe_with } from '@bt/test-support/installed'
import { afterAll, expect, it } from 'vitest'
import { DIRECT } from './front.ts'
import { open_to_our_server } from './pair.ts'
import { Program } from './program.ts'
import { python_tornado_client, python_tornado_server } from './programs.ts'
import { try_exchanges } from './try_exchanges.ts'

const { installed, args } = python_tornado_client()

try_exchanges(python_tornado_client())
try_exchanges(python_tornado_server())

describe_with(installed, "Tornado's client, which keeps a context though our server ruled that out", () => {
  const program = new Program(installed.command, args, DIRECT.env())
  afterAll(() => program.kill())

  it('ends with 1007 where a message refers to one before', async () => {
    const pair = await open_to_our_server(program, { compression: true }, DIRECT)
    const text = 'again and again. '.repeat(20)
    pair.theirs.send(text)
    expect(await pair.ours.messages.next()).toBe(text)
    pair.theirs.send(text)
    expect(await pair.ours.closed).toMatchObject({ code: 1007, cause: 'protocol' })
    expect(pair.ours.errors).toEqual(['protocol_error'])
    await pair.end()
  })
})
