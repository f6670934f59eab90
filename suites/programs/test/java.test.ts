import { describe_exchanges } from './describe_exchanges.ts'
import { java_client } from './peers.ts'

describe_exchanges(java_client())
