import { bun, DENO_RUN, deno, type Installed, node } from '@bt/test-support/installed'
import { describe_exchanges } from './describe_exchanges.ts'
import type { Capability, Quirks } from './exchanges.ts'
import { foreign_path } from './foreign.ts'

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
}
