import type { ClusterSink } from '../../broker/cluster_port.js'

/** Hands on what has come. An error of the sink is thrown beside the client of a broker, which would lose its place in what it reads. */
export function forward_messages(sink: ClusterSink, channel: string, bytes: Uint8Array): void {
  try {
    sink.received(channel, bytes)
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}
