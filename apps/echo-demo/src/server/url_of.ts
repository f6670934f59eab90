import { resolve } from 'node:path'

const UNIX = 'unix:'

/** Returns the URL of a server on this machine that listens on `addr`. */
export function url_of(addr: string, route: string, is_secure = false): string {
  if (addr.startsWith(UNIX)) return `ws+unix:${resolve(addr.slice(UNIX.length))}:${route}`
  // The address of all interfaces is one to listen on, not to connect to.
  return `${is_secure ? 'wss' : 'ws'}://${addr.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')}${route}`
}
