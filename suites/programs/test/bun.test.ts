import { bun, foreign } from './installed.ts'
import { try_exchanges } from './try_exchanges.ts'

try_exchanges({
  installed: bun(),
  args: [foreign('bun.mjs')],
  roles: ['client', 'server'],
  skills: ['ping', 'inflate', 'deflate'],
  habits: { needs_protocol: true },
})
