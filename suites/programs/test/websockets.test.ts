import { python_websockets } from './programs.ts'
import { try_exchanges } from './try_exchanges.ts'

try_exchanges(python_websockets())
