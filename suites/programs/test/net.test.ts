import { bun, DENO_RUN, deno, type Installed, node } from '@bt/test-support/installed'
import type { Habits, Skill } from './exchanges.ts'
import { foreign } from './foreign.ts'
import { try_exchanges } from './try_exchanges.ts'

const NET = foreign('net.mjs')

interface Platform {
  readonly installed: Installed
  readonly args: readonly string[]
  /** What the client can do there, and its habits. */
  readonly client: { readonly skills: readonly Skill[]; readonly habits: Habits }
}

const ALL: readonly Skill[] = ['ping', 'inflate', 'deflate']
/** Over the platform's own WebSocket, which sends no ping and decides about compression by itself. */
const NOTHING: readonly Skill[] = []

const PLATFORMS: readonly Platform[] = [
  { installed: node, args: [NET], client: { skills: ALL, habits: { needs_protocol: true } } },
  { installed: bun(), args: [NET], client: { skills: NOTHING, habits: { needs_protocol: true } } },
  { installed: deno(), args: [...DENO_RUN, NET], client: { skills: NOTHING, habits: {} } },
]

for (const { installed, args, client } of PLATFORMS) {
  const program = { installed: { ...installed, name: `@bt/net on ${installed.name}` }, args }
  try_exchanges({ ...program, ...client, roles: ['client'] })
  try_exchanges({ ...program, roles: ['server'], skills: ALL, habits: {} })
}
