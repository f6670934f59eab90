import { bun, DENO_RUN, deno, foreign, node } from './installed.ts'
import { try_exchanges } from './try_exchanges.ts'

const NET = foreign('net.mjs')

try_exchanges({
  installed: { ...node, name: '@bt/net on Node' },
  args: [NET],
  roles: ['client', 'server'],
  skills: ['inflate', 'deflate'],
})
try_exchanges({
  installed: { ...bun(), name: '@bt/net on Bun' },
  args: [NET],
  roles: ['client', 'server'],
  skills: [],
})
try_exchanges({
  installed: { ...deno(), name: '@bt/net on Deno' },
  args: [...DENO_RUN, NET],
  roles: ['client', 'server'],
  skills: [],
})
