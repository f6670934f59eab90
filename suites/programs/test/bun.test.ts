import { describe_exchanges } from './describe_exchanges.ts'
import { bun_web_socket } from './peers.ts'

describe_exchanges(bun_web_socket())
