import { DENO_RUN, deno, foreign } from './installed.ts'
import { try_exchanges } from './try_exchanges.ts'

// Its WebSocket sends no ping, and compresses nothing.
try_exchanges({
  installed: deno(),
  args: [...DENO_RUN, foreign('deno.mjs')],
  roles: ['client', 'server'],
  skills: [],
  habits: { lost_is: 0 },
})
