import { once } from 'node:events'
import { connect } from 'node:net'

/** What has crossed a broker since it started, in bytes: with all that its protocol adds where it is Redis, and without where it is NATS. */
export interface BrokerTraffic {
  readonly in_bytes: number
  readonly out_bytes: number
}

/** Asks a nats-server, whose figures are at that address. */
export function nats_traffic(monitor_url: string): () => Promise<BrokerTraffic> {
  return async () => {
    const answer = await fetch(`${monitor_url}/varz`)
    const { in_bytes, out_bytes } = (await answer.json()) as BrokerTraffic
    return { in_bytes, out_bytes }
  }
}

const QUESTION = 'INFO stats\r\nQUIT\r\n'

/** Asks a Redis on that port, and leaves out what it takes to ask. */
export function redis_traffic(port: number): () => Promise<BrokerTraffic> {
  let asked_bytes = 0
  let answered_bytes = 0
  return async () => {
    const said = await ask(port)
    const figure = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(said)?.[1])
    asked_bytes += QUESTION.length
    const traffic = {
      in_bytes: figure('total_net_input_bytes') - asked_bytes,
      out_bytes: figure('total_net_output_bytes') - answered_bytes,
    }
    // It has counted before it answered.
    answered_bytes += said.length
    return traffic
  }
}

async function ask(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let said = ''
  socket.on('data', (text: string) => {
    said += text
  })
  socket.write(QUESTION)
  await once(socket, 'close')
  return said
}
