import { java_client } from './programs.ts'
import { try_exchanges } from './try_exchanges.ts'

try_exchanges(java_client())
