// The client in Node: `node trouble_client.js SETTINGS`, with settings as JSON.
import { start_talker } from './talker.js'

const command = start_talker(JSON.parse(process.argv[2] ?? '{}'), event => void process.send?.(event))

// The process ends with the one that started it.
process.on('disconnect', () => process.exit())
process.on('message', command)
