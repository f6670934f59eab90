import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { Journal } from '@bt/test-support/journal'
import type { ServerRecord } from './ledger.js'
import type { LedgerNode } from './ledger_server.js'
import type { WorkerCommand, WorkerEvent, WorkerSettings } from './worker_messages.js'

/** Starts a server as a worker of this process, which shares its port with the other workers. */
export async function start_worker(settings: WorkerSettings): Promise<LedgerNode> {
  const exec = fileURLToPath(new URL('./session_worker.js', import.meta.url))
  cluster.setupPrimary({ exec, args: [JSON.stringify(settings)] })
  const worker = cluster.fork()
  const events = new Journal<WorkerEvent>()
  worker.on('message', (event: WorkerEvent) => events.add(event))
  // It ends with its server, and not before.
  worker.once('exit', code => {
    if (!events.entries.some(({ event }) => event === 'closed'))
      throw new Error(`worker ${settings.name} has exited with ${code}`)
  })
  const next = <Name extends WorkerEvent['event']>(name: Name, from: number) =>
    events.first((event): event is Extract<WorkerEvent, { event: Name }> => event.event === name, from)
  const send = (command: WorkerCommand): boolean => worker.send(command)
  const { port } = await next('listening', 0)
  return {
    port,
    async restart(at_once: boolean): Promise<void> {
      const from = events.entries.length
      send({ command: 'restart', at_once })
      await next('listening', from)
    },
    stop_broadcasts(): void {
      send({ command: 'stop_broadcasts' })
    },
    async close(): Promise<ServerRecord> {
      send({ command: 'close' })
      const { record } = await next('closed', 0)
      worker.disconnect()
      return record
    },
  }
}
