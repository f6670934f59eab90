import { resolve } from 'node:path'

const UNIX = 'unix:'

/** The URL at which a server on this machine is reached that listens on `addr`, over TLS or not. */
export function url_of(addr: string, route: string, is_secure = false): string {
  if (addr.startsWith(UNIX)) return `ws+unix:${resolve(addr.slice(UNIX.length))}:${route}`
  // "Every interface" is an address to listen on, not one to connect to.
  return `${is_secure ? 'wss' : 'ws'}://${addr.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')}${route}`
}
