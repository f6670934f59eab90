import { bun, DENO_RUN, deno, type Installed, java, node, system_program } from '@bt/test-support/installed'
import { PYTHON_AIOHTTP, PYTHON_TORNADO, PYTHON_WEBSOCKETS } from '@bt/test-support/programs'
import type { Capability, Quirks } from './exchanges.ts'
import { foreign_path } from './foreign.ts'

/** The role of a program in a test: a client of our server, or the server of our client. */
export type Role = 'client' | 'server'

/** A program in `foreign`, and what it supports. */
export interface Peer {
  readonly installed: Installed
  readonly args: readonly string[]
  readonly roles: readonly Role[]
  readonly capabilities: readonly Capability[]
  readonly quirks: Quirks
}

/** Python's websockets. */
export function python_websockets(): Peer {
  return {
    installed: system_program(PYTHON_WEBSOCKETS),
    args: [foreign_path('python_websockets.py')],
    roles: ['client', 'server'],
    capabilities: ['fragment', 'ping', 'inflate', 'deflate'],
    quirks: {},
  }
}

/** Python's aiohttp, which has no public method to send fragments. */
export function python_aiohttp(): Peer {
  return {
    installed: system_program(PYTHON_AIOHTTP),
    args: [foreign_path('python_aiohttp.py')],
    roles: ['client', 'server'],
    capabilities: ['ping', 'inflate', 'deflate'],
    quirks: { close_reply_code: 1000 },
  }
}

/** Tornado's client, which keeps its compression context though ours rules that out: see tornado.test.ts. */
export function python_tornado_client(): Peer {
  return {
    installed: system_program(PYTHON_TORNADO),
    args: [foreign_path('python_tornado.py')],
    roles: ['client'],
    capabilities: ['ping', 'inflate'],
    quirks: {},
  }
}

/** Tornado's server. */
export function python_tornado_server(): Peer {
  return { ...python_tornado_client(), roles: ['server'], capabilities: ['ping', 'inflate', 'deflate'] }
}

/**
 * The client of Java's standard library, which does not compress. Its arguments limit optimization, which
 * would take longer than it saves in a few seconds.
 */
export function java_client(): Peer {
  return {
    installed: java(),
    args: ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', foreign_path('JavaClient.java')],
    roles: ['client'],
    capabilities: ['fragment', 'ping'],
    quirks: {},
  }
}

/** undici's client, which always offers compression, but never compresses a message itself. */
export function undici_client(): Peer {
  return {
    installed: { ...node, name: 'undici' },
    args: [foreign_path('undici.mjs')],
    roles: ['client'],
    capabilities: ['ping', 'inflate'],
    quirks: { requires_subprotocol: true },
  }
}

/** Bun's own WebSocket. */
export function bun_web_socket(): Peer {
  return {
    installed: bun(),
    args: [foreign_path('bun.mjs')],
    roles: ['client', 'server'],
    capabilities: ['ping', 'inflate', 'deflate'],
    quirks: { requires_subprotocol: true },
  }
}

/** Deno's own WebSocket, which has no method to send a ping, and does not compress. */
export function deno_web_socket(): Peer {
  return {
    installed: deno(),
    args: [...DENO_RUN, foreign_path('deno.mjs')],
    roles: ['client', 'server'],
    capabilities: [],
    quirks: { lost_connection_code: 0 },
  }
}
