import { describe_exchanges } from './describe_exchanges.ts'
import { deno_web_socket } from './peers.ts'

describe_exchanges(deno_web_socket())
