// Runs the servers of a cluster, one at a time. Commands and events use the IPC channel of `fork`.
import { create_cluster_port } from './cluster_port.js'
import type { NodeEvent, ProcessCommand } from './node_protocol.js'
import { NodeServer } from './node_server.js'

let server: NodeServer | undefined

// The process must not outlive its test.
process.on('disconnect', () => process.exit())
process.on('message', async (command: ProcessCommand) => {
  switch (command.command) {
    case 'start': {
      const { options } = command
      server = new NodeServer(options, await create_cluster_port(options.kind, options.url), report)
      return
    }
    case 'end':
      await server?.[Symbol.asyncDispose]()
      server = undefined
      report({ event: 'ended' })
      return
    default:
      server?.execute(command)
  }
})

function report(event: NodeEvent): void {
  process.send?.(event)
}
