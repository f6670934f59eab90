import { foreign, node } from './installed.ts'
import { try_exchanges } from './try_exchanges.ts'

// It always offers compression, and compresses nothing of its own.
try_exchanges({
  installed: { ...node, name: 'undici' },
  args: [foreign('undici.mjs')],
  roles: ['client'],
  skills: ['ping', 'inflate'],
  habits: { needs_protocol: true },
})
