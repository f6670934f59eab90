import { foreign, python_with } from './installed.ts'
import { try_exchanges } from './try_exchanges.ts'

// It has no public way to send fragments.
try_exchanges({
  installed: python_with('aiohttp'),
  args: [foreign('python_aiohttp.py')],
  roles: ['client', 'server'],
  skills: ['ping', 'inflate', 'deflate'],
  habits: { answers_with: 1000 },
})
