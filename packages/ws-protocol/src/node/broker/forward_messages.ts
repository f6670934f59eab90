import type { ClusterSink } from '../../broker/cluster_port.js'

/**
 * Passes a message to the sink. An error of the sink is thrown in a tick of its own: thrown into the broker's
 * client, it would corrupt its parser.
 */
export function forward_messages(sink: ClusterSink, channel: string, bytes: Uint8Array): void {
  try {
    sink.received(channel, bytes)
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}
