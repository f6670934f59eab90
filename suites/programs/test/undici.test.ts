import { foreign, type Installed } from './installed.ts'
import { try_exchanges } from './try_exchanges.ts'

const undici: Installed = {
  name: 'undici',
  command: process.execPath,
  is_here: true,
  remedy: 'pnpm install brings it',
  is_dispensable: false,
}

try_exchanges({
  installed: undici,
  args: [foreign('undici.mjs')],
  roles: ['client'],
  skills: ['ping', 'inflate'],
})
