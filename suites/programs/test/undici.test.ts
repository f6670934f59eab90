import { describe_exchanges } from './describe_exchanges.ts'
import { undici_client } from './peers.ts'

describe_exchanges(undici_client())
