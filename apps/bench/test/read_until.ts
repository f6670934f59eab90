import type { Socket } from 'node:net'

/** Reads what comes until it ends with a text, and returns all of it. */
export function read_until(socket: Socket, end: string): Promise<string> {
  let all = ''
  return new Promise((resolve, reject) => {
    socket.on('data', (bytes: Buffer) => {
      all += bytes.toString()
      if (all.endsWith(end)) resolve(all)
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`closed after ${JSON.stringify(all)}`)))
  })
}
