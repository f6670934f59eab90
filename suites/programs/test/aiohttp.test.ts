import { describe_exchanges } from './describe_exchanges.ts'
import { python_aiohttp } from './peers.ts'

describe_exchanges(python_aiohttp())
