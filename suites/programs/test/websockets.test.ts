import { foreign, python_with } from './installed.ts'
import { try_exchanges } from './try_exchanges.ts'

try_exchanges({
  installed: python_with('websockets'),
  args: [foreign('python_websockets.py')],
  roles: ['client', 'server'],
  skills: ['fragment', 'ping', 'inflate', 'deflate'],
})
