import { listen } from '@bt/net'
import { bun, DENO_RUN, deno, describe_with, type Installed, node } from '@bt/test-support/installed'
import { expect, it, onTestFinished } from 'vitest'
import { describe_exchanges } from './describe_exchanges.ts'
import type { Capability, Quirks } from './exchanges.ts'
import { foreign_path } from './foreign.ts'
import { port_of } from './pair.ts'
import { PeerProgram } from './peer_program.ts'

const NET = foreign_path('net.mjs')

interface Runtime {
  readonly installed: Installed
  readonly args: readonly string[]
  /** What our client supports on it. */
  readonly client: { readonly capabilities: readonly Capability[]; readonly quirks: Quirks }
}

const ALL: readonly Capability[] = ['ping', 'inflate', 'deflate']
/** The platform's own WebSocket sends no ping, and has no option for compression. */
const NONE: readonly Capability[] = []

const RUNTIMES: readonly Runtime[] = [
  { installed: node, args: [NET], client: { capabilities: ALL, quirks: { requires_subprotocol: true } } },
  { installed: bun(), args: [NET], client: { capabilities: NONE, quirks: { requires_subprotocol: true } } },
  { installed: deno(), args: [...DENO_RUN, NET], client: { capabilities: NONE, quirks: {} } },
]

for (const { installed, args, client } of RUNTIMES) {
  const program = { installed: { ...installed, name: `@bt/net on ${installed.name}` }, args }
  describe_exchanges({ ...program, ...client, roles: ['client'] })
  describe_exchanges({ ...program, roles: ['server'], capabilities: ALL, quirks: {} })
  describe_with(installed, `the client of ${program.installed.name}`, () => {
    it('sends its headers and its subprotocols with the handshake', async () => {
      const server = listen({
        type: 'ws',
        bind: '127.0.0.1:0',
        protocols: ['chat'],
        authorize: ({ headers }) => headers.authorization === 'Bearer x',
      })
      const peer = new PeerProgram(installed.command, args, {})
      onTestFinished(async () => {
        await peer.kill()
        server.close()
        await server.closed
      })
      const url = `ws://127.0.0.1:${await port_of(server)}/ws`
      const options = { protocols: ['chat'], compression: false }
      peer.connect(url, { ...options, headers: { Authorization: 'Bearer x' } })
      expect(await peer.next()).toEqual({ event: 'open', protocol: 'chat' })
    })
  })
}
