// A server of the ledger as one of the workers that share a port: `node session_worker.js SETTINGS`, with settings
// as JSON. Commands and events go over the IPC channel.
import { LEDGER_BROKERS } from './brokers.js'
import { LedgerServer } from './ledger_server.js'
import type { WorkerCommand, WorkerEvent, WorkerSettings } from './worker_messages.js'

const settings: WorkerSettings = JSON.parse(process.argv[2] ?? '{}')
const broker = LEDGER_BROKERS.find(({ name }) => name === settings.broker)

const report = (event: WorkerEvent): void => void process.send?.(event)

const server = await LedgerServer.start({
  ...settings,
  create_cluster_port: () => broker?.port_to(settings.broker_url),
})

async function run(command: WorkerCommand): Promise<void> {
  switch (command.command) {
    case 'restart':
      await server.restart(command.at_once)
      return report({ event: 'listening', port: server.port })
    case 'stop_broadcasts':
      return server.stop_broadcasts()
    case 'close':
      return report({ event: 'closed', record: await server.close() })
  }
}

// The process ends with the one that started it.
process.on('disconnect', () => process.exit())
process.on('message', (command: WorkerCommand) => void run(command))
report({ event: 'listening', port: server.port })
