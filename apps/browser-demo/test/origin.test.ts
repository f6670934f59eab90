import { request } from 'node:http'
import { expect, it } from 'vitest'
import { start_server } from './program.ts'

it('accepts its own page, and rejects and reports one of another origin', async () => {
  const { program, url, ws_url } = await start_server()
  expect(await status_of(ws_url, new URL(url).origin)).toBe(101)
  expect(await status_of(ws_url, 'https://example.com')).toBe(403)
  program.child.kill('SIGINT')
  await program.exit
  expect(program.stderr).toMatch(/^error: .*https:\/\/example\.com.*\n$/)
})

/** Returns the status of the response to a handshake from a page of that origin. */
function status_of(ws_url: string, origin: string): Promise<number | undefined> {
  const { hostname: host, port, pathname: path } = new URL(ws_url)
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    Origin: origin,
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  return new Promise((resolve, reject) => {
    request({ host, port, path, headers, agent: false })
      .on('upgrade', ({ statusCode }, socket) => {
        socket.destroy()
        resolve(statusCode)
      })
      .on('response', response => {
        response.resume()
        resolve(response.statusCode)
      })
      .on('error', reject)
      .end()
  })
}
