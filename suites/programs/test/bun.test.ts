import { foreign, npm_program } from './installed.ts'
import { try_exchanges } from './try_exchanges.ts'

const bun = npm_program('Bun', '@oven/bun-linux-x64/bin/bun')

try_exchanges({
  installed: bun,
  args: [foreign('bun.mjs')],
  roles: ['client', 'server'],
  skills: ['ping', 'inflate', 'deflate'],
})
