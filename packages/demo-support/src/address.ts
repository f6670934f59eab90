import type { Server } from 'node:net'

/** An address to listen on or to connect to. */
export interface Address {
  readonly host: string
  readonly port: number
}

const LOOPBACK_ADDRESS = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]):(\d{1,5})$/
const MAX_PORT = 65_535

/** Parses `'127.0.0.1:8080'` or `'[::1]:8080'`; returns `undefined` for anything but a loopback address. */
export function parse_loopback(text: string): Address | undefined {
  const [, host = '', digits = ''] = LOOPBACK_ADDRESS.exec(text) ?? []
  const port = Number(digits)
  return host === '' || port > MAX_PORT ? undefined : { host: host.replace(/[[\]]/g, ''), port }
}

/** Parses the address of a listening server. */
export function parse_bound(text: string): Address {
  const address = parse_loopback(text)
  if (address === undefined) throw new Error(`${text} is no loopback address`)
  return address
}

/** Formats an address for a URL. */
export function address_text({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Makes a server listen, and resolves to its address. Rejects with an error that says what to do. */
export function listening(server: Server, { host, port }: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void => {
      reject(new Error(bind_failure(address_text({ host, port }), cause), { cause }))
    }
    server.once('error', fail)
    server.listen(port, host, () => {
      // Later errors have nothing to do with listening.
      server.off('error', fail)
      const bound = server.address()
      resolve({ host, port: typeof bound === 'object' && bound !== null ? bound.port : port })
    })
  })
}

function bind_failure(addr: string, { code, message }: NodeJS.ErrnoException): string {
  const remedy = REMEDIES[code ?? ''] ?? message
  return `cannot listen on ${addr}: ${remedy}`
}

const REMEDIES: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'the port is in use; stop the program that has it, or give another with --bind or --ws-bind (port 0 takes a free one)',
  EADDRNOTAVAIL: 'this machine has no such address; take 127.0.0.1',
  EACCES: 'this user may not take that port; take one from 1024 on',
}
