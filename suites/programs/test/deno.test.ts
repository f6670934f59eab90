import { foreign, npm_program } from './installed.ts'
import { try_exchanges } from './try_exchanges.ts'

const deno = npm_program('Deno', '@deno/linux-x64-glibc/deno')
const RUN = ['run', '--allow-all', '--no-lock', '--cached-only', '--quiet']

try_exchanges({
  installed: deno,
  args: [...RUN, foreign('deno.mjs')],
  roles: ['client', 'server'],
  skills: [],
  habits: { lost_is: 0 },
})
