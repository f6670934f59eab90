import { foreign, java } from './installed.ts'
import { try_exchanges } from './try_exchanges.ts'

/** It runs for seconds: compiling its code well takes longer than that saves. */
const QUICK_START = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

try_exchanges({
  installed: java(),
  args: [...QUICK_START, foreign('JavaClient.java')],
  roles: ['client'],
  skills: ['fragment', 'ping'],
})
