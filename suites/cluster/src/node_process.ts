// A process for the servers of a cluster, one after another; everything goes over the channel of `fork`.
import { port_to } from './cluster_port.js'
import { NodeServer } from './node_server.js'
import type { Instruction, Told } from './words.js'

let server: NodeServer | undefined

// A test that has ended leaves nobody behind.
process.on('disconnect', () => process.exit())
process.on('message', async (instruction: Instruction) => {
  switch (instruction.do) {
    case 'start': {
      const { options } = instruction
      server = new NodeServer(options, await port_to(options.kind, options.url), tell)
      return
    }
    case 'end':
      await server?.[Symbol.asyncDispose]()
      server = undefined
      tell({ event: 'ended' })
      return
    default:
      server?.obey(instruction)
  }
})

function tell(told: Told): void {
  process.send?.(told)
}
