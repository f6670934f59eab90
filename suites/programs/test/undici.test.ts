import { undici_client } from './programs.ts'
import { try_exchanges } from './try_exchanges.ts'

try_exchanges(undici_client())
