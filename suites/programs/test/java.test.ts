import { foreign, java } from './installed.ts'
import { try_exchanges } from './try_exchanges.ts'

try_exchanges({
  installed: java(),
  args: [foreign('JavaClient.java')],
  roles: ['client'],
  skills: ['fragment', 'ping'],
})
