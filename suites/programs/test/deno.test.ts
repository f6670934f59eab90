import { deno_web_socket } from './programs.ts'
import { try_exchanges } from './try_exchanges.ts'

try_exchanges(deno_web_socket())
